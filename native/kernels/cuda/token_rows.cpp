#include "kernels/cuda/token_rows.h"

#include "kernels/cuda/kernels.h"

namespace attune::cuda {

TokenRowsView token_rows_on(CudaDevice& device, const TokenRows& tokens) {
  return {.ids = device.constant(std::span(tokens.ids)),
          .rows = device.constant(std::span(tokens.rows)),
          .count = static_cast<std::int32_t>(tokens.ids.size())};
}

}  // namespace attune::cuda
