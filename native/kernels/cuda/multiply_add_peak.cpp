#include "kernels/multiply_add_peak.h"

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/multiply_add_peak.h"

namespace attune::cuda {
namespace {

/// A GPU has about so many times the threads of a processor, each slower.
constexpr std::int64_t kFewerIterations = 1000;

void run(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<MultiplyAddPeakArguments>();
  CudaDevice& device = device_of(context);
  const std::int64_t iterations = arguments.iterations / kFewerIterations;
  const CudaGrid grid{.x = device.multiprocessors() * std::int64_t{kPeakResident / kPeakThreads},
                      .threads = kPeakThreads};
  device.launch("multiply_add_peak", "multiply_add_peak", grid,
                MultiplyAddPeak{.kept = nullptr, .iterations = iterations});
  *arguments.operations =
      2.0 * kPeakSums * static_cast<double>(iterations) * static_cast<double>(grid.x * kPeakThreads);
}

}  // namespace

void register_multiply_add_peak(KernelTable& table) { table.add("multiply_add_peak", DType::f32, {run}); }

}  // namespace attune::cuda
