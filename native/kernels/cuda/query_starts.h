#pragma once

#include <cstdint>

namespace attune::cuda {

inline constexpr int kQueryStartsThreads = 128;

/// The segments of the rows that attention's query_rows names: a thread a start.
struct QueryStarts {
  const std::int32_t* rows;    ///< query_rows (count), ascending
  const std::int32_t* starts;  ///< cu_seqlens (segments + 1)
  std::int32_t* of_rows;       ///< (segments + 1)
  int count;
  int segments;
};

}  // namespace attune::cuda
