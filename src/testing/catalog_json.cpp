#include "testing/catalog.hpp"

#include <algorithm>
#include <string>

namespace json = boost::json;

namespace wix::testing::detail {

namespace {

// V1 sends prices as JSON numbers.
json::value units(Cents cents) {
    if (cents % 100 == 0) return cents / 100;
    return static_cast<double>(cents) / 100;
}

std::string pageUrl(const Product& product) { return "https://shop.example/product-page/" + std::string(product.slug); }

std::string mediaId(const Product& product) { return "fa4e00_" + std::string(product.slug) + "~mv2.jpg"; }

json::object image(const Product& product) {
    json::object made;
    made["id"] = mediaId(product);
    made["url"] = "https://static.wixstatic.com/media/" + mediaId(product);
    made["height"] = 800;
    made["width"] = 1200;
    made["altText"] = product.name;
    return made;
}

json::object priceV1(const Product& product) {
    json::object formatted;
    formatted["price"] = "$" + formatCents(product.fullPrice);
    formatted["discountedPrice"] = "$" + formatCents(product.price);
    json::object price;
    price["currency"] = siteCurrency;
    price["price"] = units(product.fullPrice);
    price["discountedPrice"] = units(product.price);
    price["formatted"] = std::move(formatted);
    return price;
}

json::object stockV1(const Product& product) {
    json::object stock;
    stock["trackInventory"] = !product.digital;
    if (!product.digital) stock["quantity"] = product.stock;
    stock["inStock"] = product.stock > 0;
    stock["inventoryStatus"] = product.stock > 0 ? "IN_STOCK" : "OUT_OF_STOCK";
    return stock;
}

json::array optionsV1(const Product& product) {
    json::array options;
    if (product.option.empty()) return options;
    json::array choices;
    for (const Variant& variant : product.variants) {
        json::object choice;
        choice["value"] = variant.choice;
        choice["description"] = variant.choice;
        choice["inStock"] = product.stock > 0;
        choice["visible"] = true;
        choices.push_back(std::move(choice));
    }
    json::object option;
    option["optionType"] = "drop_down";
    option["name"] = product.option;
    option["choices"] = std::move(choices);
    options.push_back(std::move(option));
    return options;
}

json::array variantsV1(const Product& product) {
    json::array variants;
    for (const Variant& variant : product.variants) {
        json::object choices;
        if (!product.option.empty()) choices[product.option] = variant.choice;
        json::object details;
        details["priceData"] = priceV1(product);
        details["sku"] = product.sku;
        details["visible"] = true;
        json::object made;
        made["id"] = variant.id;
        made["choices"] = std::move(choices);
        made["variant"] = std::move(details);
        made["stock"] = stockV1(product);
        variants.push_back(std::move(made));
    }
    return variants;
}

json::object priceRange(Cents cents) {
    json::object value;
    value["amount"] = formatCents(cents);
    value["formattedAmount"] = "$" + formatCents(cents);
    json::object range;
    range["minValue"] = value;
    range["maxValue"] = std::move(value);
    return range;
}

std::string_view availability(const Product& product) { return product.stock > 0 ? "IN_STOCK" : "OUT_OF_STOCK"; }

json::array optionsV3(const Product& product) {
    json::array options;
    if (product.option.empty()) return options;
    json::array choices;
    for (const Variant& variant : product.variants) {
        json::object choice;
        choice["name"] = variant.choice;
        choice["choiceType"] = "CHOICE_TEXT";
        choices.push_back(std::move(choice));
    }
    json::object settings;
    settings["choices"] = std::move(choices);
    json::object option;
    option["name"] = product.option;
    option["optionRenderType"] = "TEXT_CHOICES";
    option["choicesSettings"] = std::move(settings);
    options.push_back(std::move(option));
    return options;
}

json::object variantsInfo(const Product& product) {
    json::array variants;
    for (const Variant& variant : product.variants) {
        json::object amount;
        amount["amount"] = formatCents(product.price);
        json::object price;
        price["actualPrice"] = std::move(amount);
        json::object made;
        made["id"] = variant.id;
        made["visible"] = true;
        made["sku"] = product.sku;
        made["price"] = std::move(price);
        variants.push_back(std::move(made));
    }
    json::object info;
    info["variants"] = std::move(variants);
    return info;
}

template <class Record>
std::vector<json::object> recordsOf(Record record) {
    std::vector<json::object> records;
    for (const Product& product : catalog()) records.push_back(record(product));
    return records;
}

}  // namespace

json::object productV1(const Product& product, Variants variants) {
    json::object mainMedia;
    mainMedia["image"] = image(product);
    mainMedia["mediaType"] = "image";
    mainMedia["title"] = product.name;
    json::object media;
    media["mainMedia"] = mainMedia;
    media["items"] = json::array{std::move(mainMedia)};
    json::object pageParts;
    pageParts["base"] = "https://shop.example";
    pageParts["path"] = "/product-page/" + std::string(product.slug);
    json::object discount;
    discount["type"] = product.price < product.fullPrice ? "AMOUNT" : "NONE";
    discount["value"] = units(product.fullPrice - product.price);

    json::object made;
    made["id"] = product.id;
    made["name"] = product.name;
    made["slug"] = product.slug;
    made["visible"] = true;
    made["productType"] = product.digital ? "digital" : "physical";
    made["description"] = product.description;
    made["sku"] = product.sku;
    made["weight"] = product.digital ? 0.0 : 0.4;
    made["stock"] = stockV1(product);
    made["price"] = priceV1(product);
    made["priceData"] = priceV1(product);
    made["convertedPriceData"] = priceV1(product);
    made["media"] = std::move(media);
    made["productOptions"] = optionsV1(product);
    made["manageVariants"] = !product.option.empty();
    made["productPageUrl"] = std::move(pageParts);
    made["discount"] = std::move(discount);
    made["collectionIds"] = json::array{json::value(product.collectionId)};
    made["variants"] = variants == Variants::included ? variantsV1(product) : json::array();
    made["createdDate"] = product.created;
    made["lastUpdated"] = product.created;
    return made;
}

json::object productV3(const Product& product, const RequestedFields& fields, Variants variants) {
    const auto wanted = [&](std::string_view name) {
        return std::find(fields.begin(), fields.end(), name) != fields.end();
    };
    json::object inventory;
    inventory["availabilityStatus"] = availability(product);
    inventory["preorderStatus"] = "DISABLED";
    json::object summary;
    summary["variantCount"] = product.variants.size();

    json::object made;
    made["id"] = product.id;
    made["revision"] = "1";
    made["name"] = product.name;
    made["slug"] = product.slug;
    made["visible"] = true;
    made["productType"] = product.digital ? "DIGITAL" : "PHYSICAL";
    made["options"] = optionsV3(product);
    made["modifiers"] = json::array();
    made["inventory"] = std::move(inventory);
    made["actualPriceRange"] = priceRange(product.price);
    if (product.price < product.fullPrice) made["compareAtPriceRange"] = priceRange(product.fullPrice);
    made["variantSummary"] = std::move(summary);
    made["createdDate"] = product.created;
    made["updatedDate"] = product.created;
    if (wanted("CURRENCY")) made["currency"] = siteCurrency;
    if (wanted("PLAIN_DESCRIPTION")) made["plainDescription"] = product.description;
    if (wanted("URL")) made["url"] = pageUrl(product);
    if (wanted("MEDIA_ITEMS_INFO")) {
        json::object main;
        main["image"] = image(product);
        main["mediaType"] = "IMAGE";
        json::object media;
        media["main"] = std::move(main);
        made["media"] = std::move(media);
    }
    if (variants == Variants::included) made["variantsInfo"] = variantsInfo(product);
    return made;
}

const std::vector<json::object>& recordsV1() {
    static const std::vector<json::object> records = recordsOf([](const Product& product) {
        json::object record;
        record["id"] = product.id;
        record["name"] = product.name;
        record["slug"] = product.slug;
        record["description"] = product.description;
        record["sku"] = product.sku;
        record["visible"] = true;
        record["productType"] = product.digital ? "digital" : "physical";
        record["price"] = units(product.price);
        record["collections.id"] = json::array{json::value(product.collectionId)};
        record["createdDate"] = product.created;
        record["lastUpdated"] = product.created;
        if (!product.option.empty()) {
            json::array choices;
            for (const Variant& variant : product.variants) choices.push_back(json::value(variant.choice));
            record["options." + std::string(product.option)] = std::move(choices);
        }
        return record;
    });
    return records;
}

const FieldNames& fieldsV1() {
    static const FieldNames fields = {"id",          "name",     "slug",        "description",
                                      "sku",         "visible",  "price",       "collections.id",
                                      "productType", "options.", "createdDate", "lastUpdated"};
    return fields;
}

const std::vector<json::object>& recordsV3() {
    static const std::vector<json::object> records = recordsOf([](const Product& product) {
        json::object record;
        record["id"] = product.id;
        record["name"] = product.name;
        record["slug"] = product.slug;
        record["visible"] = true;
        record["productType"] = product.digital ? "DIGITAL" : "PHYSICAL";
        record["actualPriceRange.minValue.amount"] = units(product.price);
        record["actualPriceRange.maxValue.amount"] = units(product.price);
        record["inventory.availabilityStatus"] = availability(product);
        record["createdDate"] = product.created;
        record["updatedDate"] = product.created;
        return record;
    });
    return records;
}

const FieldNames& fieldsV3() {
    static const FieldNames fields = {"id",
                                      "name",
                                      "slug",
                                      "visible",
                                      "productType",
                                      "actualPriceRange.minValue.amount",
                                      "actualPriceRange.maxValue.amount",
                                      "inventory.availabilityStatus",
                                      "createdDate",
                                      "updatedDate"};
    return fields;
}

}  // namespace wix::testing::detail
