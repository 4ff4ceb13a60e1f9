#include "ops/token_rows.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace attune {

TokenRows parse_token_rows(const Attributes& attributes) {
  const std::vector<std::int64_t> given = attributes.integers("token_ids");
  TokenRows tokens;
  tokens.rows.resize(given.size());
  std::iota(tokens.rows.begin(), tokens.rows.end(), 0);
  std::sort(tokens.rows.begin(), tokens.rows.end(),
            [&](std::int32_t a, std::int32_t b) { return given[a] < given[b]; });
  for (const std::int32_t row : tokens.rows) {
    const std::int64_t id = given[row];
    if (id < 0 || id > std::numeric_limits<std::int32_t>::max() ||
        (!tokens.ids.empty() && tokens.ids.back() == id)) {
      attributes.fail("token_ids", "a list of distinct integers of 0 or more");
    }
    tokens.ids.push_back(static_cast<std::int32_t>(id));
  }
  return tokens;
}

void check_token_rows(const InferContext& context, std::size_t input, const TokenRows& tokens,
                      const Dimension& vocabulary, const Dimension& columns) {
  if (!context.has(input) && tokens.ids.empty()) return;
  if (tokens.ids.empty()) context.fail("missing-input", "token_rows is there but token_ids is not.");
  context.check_rank(input, "token_rows", 2);
  context.check_weight(input, "token_rows");
  context.check_dimension(input, "token_rows", 0, token_count(tokens));
  context.check_dimension(input, "token_rows", 1, columns);
  if (tokens.ids.back() >= vocabulary.fixed) {
    context.fail("invalid-attribute", "expected token_ids below the vocabulary's " +
                                          std::to_string(vocabulary.fixed) + " but received " +
                                          std::to_string(tokens.ids.back()) + ".");
  }
}

Dimension token_count(const TokenRows& tokens) {
  return {.fixed = static_cast<std::int64_t>(tokens.ids.size())};
}

ReferenceTensor with_token_rows(const ReferenceTensor& table, const ReferenceTensor& token_rows,
                                const TokenRows& tokens) {
  ReferenceTensor whole = table;
  const std::int64_t columns = table.shape[1];
  for (std::size_t i = 0; i < tokens.ids.size(); ++i) {
    std::copy_n(token_rows.data.begin() + tokens.rows[i] * columns, columns,
                whole.data.begin() + tokens.ids[i] * columns);
  }
  return whole;
}

}  // namespace attune
