// The shop's products, and how Catalog V1 and Catalog V3 write them. Pure.
#ifndef WIX_TESTING_CATALOG_HPP
#define WIX_TESTING_CATALOG_HPP

#include <boost/json/value.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

#include "testing/money.hpp"
#include "testing/query_filter.hpp"

namespace wix::testing::detail {

inline constexpr std::string_view storesAppId = "215238eb-22a5-4c36-9e7b-e7c08025e04e";
/// What stands for "the only variant" of a product without options.
inline constexpr std::string_view defaultVariantId = "00000000-0000-0000-0000-000000000000";

struct Variant {
    std::string_view id;
    std::string_view choice;  ///< Of the product's option; empty for the only variant.
};

struct Product {
    std::string_view id;
    std::string_view name;
    std::string_view slug;
    std::string_view description;
    std::string_view sku;
    Cents fullPrice;
    Cents price;         ///< After the product's own discount.
    std::int64_t stock;  ///< Shared by the variants. A digital product has no end of it.
    bool digital;
    std::string_view collectionId;
    std::string_view option;  ///< Such as `Size`; empty if there is none.
    std::vector<Variant> variants;
    std::string_view created;  ///< RFC 3339.
};

/// The same ones in every fake: tests may name their ids.
const std::vector<Product>& catalog();
/// nullptr if there is none.
const Product* findProduct(std::string_view id);
const Product* findProductBySlug(std::string_view slug);

enum class Variants { omitted, included };

/// `fields` of V3: what is absent unless it is asked for.
using RequestedFields = std::vector<std::string>;

boost::json::object productV1(const Product& product, Variants variants);
boost::json::object productV3(const Product& product, const RequestedFields& fields, Variants variants);

/// One record per product in the order of catalog(), and the fields that they can be filtered and sorted by.
const std::vector<boost::json::object>& recordsV1();
const FieldNames& fieldsV1();
const std::vector<boost::json::object>& recordsV3();
const FieldNames& fieldsV3();

}  // namespace wix::testing::detail

#endif
