#include "testing/catalog.hpp"

#include <algorithm>

namespace wix::testing::detail {

namespace {

constexpr std::string_view kitchen = "c0000000-0000-4000-8000-000000000001";
constexpr std::string_view clothing = "c0000000-0000-4000-8000-000000000002";
constexpr std::string_view paper = "c0000000-0000-4000-8000-000000000003";

std::vector<Variant> only() { return {{defaultVariantId, ""}}; }

std::vector<Product> makeCatalog() {
    return {
        {"a0000000-0000-4000-8000-000000000001", "Stoneware Mug", "stoneware-mug", "<p>Holds 350 ml.</p>", "MUG-1",
         1800, 1800, 40, false, kitchen, "", only(), "2024-01-10T09:00:00.000Z"},
        {"a0000000-0000-4000-8000-000000000002", "Espresso Cup", "espresso-cup", "<p>Holds 70 ml.</p>", "CUP-1", 1250,
         999, 12, false, kitchen, "", only(), "2024-01-11T09:00:00.000Z"},
        {"a0000000-0000-4000-8000-000000000003", "Olive Wood Board", "olive-wood-board", "<p>Oiled by hand.</p>",
         "BRD-1", 4500, 4500, 3, false, kitchen, "", only(), "2024-02-01T09:00:00.000Z"},
        {"a0000000-0000-4000-8000-000000000004",
         "Linen Apron",
         "linen-apron",
         "<p>Washed linen.</p>",
         "APR-1",
         5900,
         4720,
         8,
         false,
         clothing,
         "Size",
         {{"b0000000-0000-4000-8000-000000000041", "M"}, {"b0000000-0000-4000-8000-000000000042", "L"}},
         "2024-02-14T09:00:00.000Z"},
        {"a0000000-0000-4000-8000-000000000005",
         "Cotton T-Shirt",
         "cotton-t-shirt",
         "<p>Organic cotton.</p>",
         "TSH-1",
         2400,
         2400,
         25,
         false,
         clothing,
         "Size",
         {{"b0000000-0000-4000-8000-000000000051", "S"},
          {"b0000000-0000-4000-8000-000000000052", "M"},
          {"b0000000-0000-4000-8000-000000000053", "L"}},
         "2024-03-02T09:00:00.000Z"},
        {"a0000000-0000-4000-8000-000000000006", "Wool Socks", "wool-socks", "<p>One pair.</p>", "SCK-1", 1600, 1600, 0,
         false, clothing, "", only(), "2024-03-09T09:00:00.000Z"},
        {"a0000000-0000-4000-8000-000000000007", "Dotted Notebook", "dotted-notebook", "<p>192 pages.</p>", "NTB-1",
         1495, 1495, 100, false, paper, "", only(), "2024-04-20T09:00:00.000Z"},
        {"a0000000-0000-4000-8000-000000000008", "Fountain Pen", "fountain-pen", "<p>Fine nib.</p>", "PEN-1", 8900,
         8900, 2, false, paper, "", only(), "2024-05-05T09:00:00.000Z"},
        {"a0000000-0000-4000-8000-000000000009", "Sticker Sheet", "sticker-sheet", "<p>Twelve stickers.</p>", "STK-1",
         350, 333, 500, false, paper, "", only(), "2024-05-17T09:00:00.000Z"},
        {"a0000000-0000-4000-8000-000000000010", "Recipe E-Book", "recipe-e-book", "<p>A PDF.</p>", "PDF-1", 999, 999,
         100'000, true, paper, "", only(), "2024-06-30T09:00:00.000Z"},
    };
}

template <class Condition>
const Product* findIf(Condition condition) {
    const auto found = std::find_if(catalog().begin(), catalog().end(), condition);
    return found == catalog().end() ? nullptr : &*found;
}

}  // namespace

const std::vector<Product>& catalog() {
    static const std::vector<Product> products = makeCatalog();
    return products;
}

const Product* findProduct(std::string_view id) {
    return findIf([&](const Product& product) { return product.id == id; });
}

const Product* findProductBySlug(std::string_view slug) {
    return findIf([&](const Product& product) { return product.slug == slug; });
}

}  // namespace wix::testing::detail
