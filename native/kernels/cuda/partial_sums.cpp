#include "kernels/cuda/partial_sums.h"

#include "kernels/cuda/kernels.h"

namespace attune::cuda {

void sum_partials(KernelContext& context, const float* partial, std::int64_t rows, std::int64_t columns,
                  float* to, bool accumulate) {
  device_of(context).launch(
      "partial_sums", "partial_sums", {.x = divide_up(columns, kPartialColumns), .threads = kPartialThreads},
      PartialSums{.partial = partial, .to = to, .rows = rows, .columns = columns, .accumulate = accumulate});
}

}  // namespace attune::cuda
