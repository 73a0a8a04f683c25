// The pages, as fill() of pages.cpp reads them, and their style.
#pragma once

#include <string_view>

constexpr std::string_view pageBegin = R"(<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>{@/title} · Studio &amp; Clay</title><link rel="stylesheet" href="/style.css">
<meta name="viewport" content="width=device-width,initial-scale=1"></head>
<body><header><a class="brand" href="/">Studio <i>&amp;</i> Clay</a><nav><a href="/">Shop</a>
<a href="/events">Events</a><a href="/cart">Cart{#@/items}<b id="count">{@/items}</b>{;}</a></nav></header><main>)";

constexpr std::string_view pageEnd = R"(</main>
<footer>Free returns for 30 days. Cart, tickets and payment by Wix Headless.</footer></body></html>)";

constexpr std::string_view gridPage = R"(
<section class="hero"><h1>Made slowly, used daily</h1><p>Kitchenware, linen and paper from small workshops.</p></section>
<div class="grid">{#/products}
<article><a href="/product/{/id}"><div class="picture" data-name="{/name}">
{#/media/mainMedia/image/url}<img src="{/media/mainMedia/image/url}/v1/fill/w_640,h_480,al_c/picture.jpg" alt="" loading="lazy">{;}</div>
<h2>{/name}</h2></a><p class="price">{/price/formatted/discountedPrice}</p>
{^/stock/inStock}<p>Sold out</p>{;}
{#/stock/inStock}
    {#/manageVariants}<a class="button" href="/product/{/id}">Choose</a>{;}
    {^/manageVariants}<form method="post" action="/cart/add"><input type="hidden" name="csrf" value="{@/csrf}">
    <input type="hidden" name="product" value="{/id}"><input type="hidden" name="quantity" value="1">
    <button>Add to cart</button></form>{;}
{;}</article>{;}</div>)";

constexpr std::string_view productPage = R"({#/product/id}<div class="product">
<div class="picture" data-name="{/product/name}">
{#/product/media/mainMedia/image/url}<img src="{/product/media/mainMedia/image/url}/v1/fill/w_640,h_480,al_c/picture.jpg" alt="">{;}</div>
<div><h1>{/product/name}</h1><p class="price">{/product/price/formatted/discountedPrice}</p>
<p>{/product/description}</p>
{^/product/stock/inStock}<p>Sold out</p>{;}
{#/product/stock/inStock}
    <form method="post" action="/cart/add"><input type="hidden" name="csrf" value="{@/csrf}">
    <input type="hidden" name="product" value="{/product/id}">
    {#/product/manageVariants}<select name="variant" aria-label="Choice">
    {#/product/variants}<option value="{/id}">{#/choices}{} {;}</option>{;}</select>{;}
    <input type="number" name="quantity" min="1" max="99" value="1"><button>Add to cart</button></form>
{;}</div></div>{;})";

constexpr std::string_view cartPage = R"(<h1>Your cart</h1>
{^/cart/lineItems}<p>There is nothing in it yet.</p><a class="button" href="/">To the shop</a>{;}
{#@/items}
<table><tr><th>Product</th><th>Price</th><th>Quantity</th><th>Sum</th></tr>
{#/cart/lineItems}<tr data-product="{/catalogReference/catalogItemId}" data-quantity="{/quantity}">
<td><strong>{/productName/original}</strong>
{#/descriptionLines}<small>{/name/original} {/plainText/original}</small>{;}</td>
<td>{/price/formattedAmount}</td><td>
<form method="post" action="/cart/change"><input type="hidden" name="csrf" value="{@/csrf}">
<input type="hidden" name="line" value="{/id}">
<input type="number" name="quantity" min="1" max="99" value="{/quantity}"><button class="quiet">Update</button></form>
<form method="post" action="/cart/remove"><input type="hidden" name="csrf" value="{@/csrf}">
<input type="hidden" name="line" value="{/id}"><button class="quiet">Remove</button></form></td>
<td>{/lineItemPrice/formattedAmount}</td></tr>{;}
<tr><td colspan="3">Total</td><td id="total">{/priceSummary/total/formattedAmount}</td></tr></table>
<form method="post" action="/checkout"><input type="hidden" name="csrf" value="{@/csrf}">
<button>Go to checkout</button></form>{;})";

constexpr std::string_view eventsPage = R"(<h1>Events</h1><div class="grid">
{#/events}<article><a href="/event/{/slug}"><h2>{/title}</h2></a>
<p>{/dateAndTimeSettings/startDate}</p><p>{/location/name}</p></article>{;}</div>)";

constexpr std::string_view eventPage = R"(<h1>{/event/title}</h1>
<p>{/event/dateAndTimeSettings/startDate} · {/event/location/name}</p>
{#/tickets}<div class="ticket"><p><strong>{/name}</strong><small>{/price/amount} {/price/currency}</small></p>
{#/salesDetails/soldOut}<p>Sold out</p>{;}
{^/salesDetails/soldOut}<form method="post" action="/reserve"><input type="hidden" name="csrf" value="{@/csrf}">
<input type="hidden" name="event" value="{@/data/event/id}"><input type="hidden" name="slug" value="{@/id}">
<input type="hidden" name="ticket" value="{/id}">
<input type="number" name="quantity" min="1" max="{/limitPerCheckout}" value="1"><button>Reserve</button></form>{;}
</div>{;}{^/tickets}<p>This event needs no ticket.</p>{;})";

constexpr std::string_view reservationPage = R"(<h1>Reserved for you</h1>
<p id="tickets">{#/ticketReservation/tickets}{/quantity} tickets{;}, held until {/ticketReservation/expirationDate}.</p>
<form method="post" action="/checkout/tickets"><input type="hidden" name="csrf" value="{@/csrf}">
<input type="hidden" name="reservation" value="{@/id}"><input type="hidden" name="slug" value="{/slug}">
<button>Buy them</button></form>)";

constexpr std::string_view sorryPage = R"(<h1>Sorry</h1><p>{/message}</p><a class="button" href="/">To the shop</a>
<p>Reference: {/reference}</p>)";

constexpr std::string_view styleSheet = R"css(
:root { --ink: #2b2621; --line: #e5dccf; --accent: #9a4f2c; }
body { margin: 0; background: #faf7f2; color: var(--ink); font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; }
.brand, h1, h2, .picture { font-family: Georgia, "DejaVu Serif", serif; font-weight: normal; }
a { color: inherit; text-decoration: none; }
header { display: flex; justify-content: space-between; padding: 1rem 5vw; background: #fff; }
.brand { font-size: 1.5rem; }
.brand i, a:hover { color: var(--accent); }
nav a { margin-left: 1.8rem; line-height: 2.2rem; }
nav b { background: var(--accent); color: #fff; border-radius: 1rem; padding: 0 .5rem; margin-left: .4rem; }
main { max-width: 1080px; margin: 0 auto; padding: 2rem 5vw 4rem; }
.hero, footer { text-align: center; padding-bottom: 2rem; }
.grid, .product { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 1.6rem; }
.product { grid-template-columns: repeat(auto-fit, minmax(280px, 1fr)); }
article, .ticket, table { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: .9rem; }
.picture { position: relative; aspect-ratio: 4/3; border-radius: 8px; overflow: hidden; text-align: center;
  font-size: 0; color: #fffc; background: linear-gradient(135deg, #c98b6b, #8f4a2b); }
article:nth-child(even) .picture { background: linear-gradient(135deg, #93a58a, #53684c); }
.picture::before { content: attr(data-name); }
.picture::first-letter { font-size: 4rem; line-height: 10rem; }
.picture img { position: absolute; top: 0; left: 50%; transform: translateX(-50%); } /* no size: if missing, no trace */
.price, #total { font-weight: 600; }
form, .button { display: inline-flex; gap: .5rem; margin: 0 .5rem 0 0; }
button, .button, input, select { font: inherit; padding: .4rem .8rem; border: 1px solid var(--line); border-radius: 6px; }
button, .button { background: var(--ink); color: #fff; }
.quiet { background: none; color: inherit; }
table { width: 100%; margin-bottom: 1.5rem; }
th, td { text-align: left; padding: .8rem; }
small { display: block; }
)css";
