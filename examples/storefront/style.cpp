#include "pages.hpp"

namespace storefront {

const std::string_view styleSheet = R"css(
:root { --ink: #2b2621; --paper: #faf7f2; --line: #e5dccf; --accent: #9a4f2c; --soft: #7c7064; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; }
header { display: flex; justify-content: space-between; align-items: center; padding: 1rem 5vw; background: #fff;
  border-bottom: 1px solid var(--line); position: sticky; top: 0; z-index: 1; }
.brand { font: 1.5rem Georgia, "DejaVu Serif", serif; letter-spacing: .02em; }
.brand i { color: var(--accent); }
a { color: inherit; text-decoration: none; }
nav a { margin-left: 1.8rem; }
nav a:hover, article a:hover h2 { color: var(--accent); }
nav b { background: var(--accent); color: #fff; border-radius: 1rem; padding: .05rem .5rem; margin-left: .4rem;
  font-size: .8rem; }
main { max-width: 1080px; margin: 0 auto; padding: 2rem 5vw 4rem; }
h1 { font: 2.1rem/1.2 Georgia, "DejaVu Serif", serif; margin: .5rem 0 1rem; }
h2 { font: 1.1rem Georgia, "DejaVu Serif", serif; margin: .8rem 0 .1rem; }
.hero { text-align: center; padding: 1.5rem 0 2.5rem; }
.hero p, small, .note, .empty { color: var(--soft); }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 1.6rem; }
article { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: .9rem; }
.picture { position: relative; aspect-ratio: 4/3; border-radius: 8px; overflow: hidden; display: grid;
  place-items: center; font: 4rem Georgia, "DejaVu Serif", serif; color: #fffc; }
.picture img { position: absolute; top: 0; left: 50%; transform: translateX(-50%); }
.tone0 { background: linear-gradient(135deg, #c98b6b, #8f4a2b); }
.tone1 { background: linear-gradient(135deg, #93a58a, #53684c); }
.tone2 { background: linear-gradient(135deg, #8fa3b8, #4a617a); }
.tone3 { background: linear-gradient(135deg, #d3b06c, #9a7430); }
.tone4 { background: linear-gradient(135deg, #b494ab, #74506b); }
.tone5 { background: linear-gradient(135deg, #a8a097, #686058); }
.price { margin: 0 0 .7rem; font-weight: 600; }
.price s { color: var(--soft); font-weight: 400; }
form { display: inline-flex; gap: .5rem; align-items: center; flex-wrap: wrap; margin: 0; }
button, .button { display: inline-block; border: 0; border-radius: 6px; background: var(--ink); color: #fff; font: inherit;
  padding: .5rem 1.1rem; cursor: pointer; }
button:hover, .button:hover { background: var(--accent); }
.quiet { background: none; color: var(--soft); padding: .4rem; text-decoration: underline; }
.quiet:hover { background: none; color: var(--accent); }
input, select { font: inherit; padding: .4rem .5rem; border: 1px solid var(--line); border-radius: 6px; background: #fff; }
input[type=number] { width: 4.6rem; }
.product { display: grid; grid-template-columns: 1fr 1fr; gap: 3rem; }
table { width: 100%; border-collapse: collapse; background: #fff; border: 1px solid var(--line); margin-bottom: 1.5rem; }
th, td { text-align: left; padding: .8rem 1rem; border-bottom: 1px solid var(--line); }
.sum { text-align: right; font-weight: 600; white-space: nowrap; }
th:last-child { text-align: right; }
small { display: block; }
.ticket { display: flex; justify-content: space-between; align-items: center; background: #fff; padding: 1rem;
  border: 1px solid var(--line); border-radius: 10px; margin-top: 1rem; }
footer { text-align: center; color: var(--soft); font-size: .85rem; padding: 2rem; border-top: 1px solid var(--line); }
@media (max-width: 640px) { .product { grid-template-columns: 1fr; } td, th { padding: .5rem; } }
)css";

}  // namespace storefront
