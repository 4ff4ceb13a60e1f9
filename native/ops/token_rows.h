#pragma once

#include "kernels/token_rows.h"
#include "ops/op.h"

namespace attune {

/// The attribute `token_ids`: distinct, in the order of the small table's rows. Absent: none.
[[nodiscard]] TokenRows parse_token_rows(const Attributes& attributes);

/// The optional input `token_rows` (K, C) is there exactly where there are ids, and each id is one of the
/// `vocabulary`'s.
void check_token_rows(const InferContext& context, std::size_t input, const TokenRows& tokens,
                      const Dimension& vocabulary, const Dimension& columns);

/// As many rows as there are ids.
[[nodiscard]] Dimension token_count(const TokenRows& tokens);

/// For the references: the table with the rows put in.
[[nodiscard]] ReferenceTensor with_token_rows(const ReferenceTensor& table, const ReferenceTensor& token_rows,
                                              const TokenRows& tokens);

}  // namespace attune
