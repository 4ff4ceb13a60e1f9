#include "kernels/cuda/token_rows.h"

#include "kernels/cuda/kernels.h"

namespace attune::cuda {

TokenRowsView take_token_rows(Scratch& scratch, const TokenRows& tokens) {
  const auto count = static_cast<std::int64_t>(tokens.ids.size());
  if (count == 0) return {};
  return {.ids = scratch.take<std::int32_t>(count),
          .rows = scratch.take<std::int32_t>(count),
          .count = static_cast<std::int32_t>(count)};
}

void write_token_rows(KernelContext& context, const TokenRows& tokens, const TokenRowsView& view) {
  if (view.count == 0) return;
  context.device.write(reinterpret_cast<std::byte*>(view.ids), std::as_bytes(std::span(tokens.ids)));
  context.device.write(reinterpret_cast<std::byte*>(view.rows), std::as_bytes(std::span(tokens.rows)));
}

}  // namespace attune::cuda
