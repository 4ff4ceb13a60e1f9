#include "kernels/multiply_add_peak.h"

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/multiply_add_peak.h"

namespace attune::cuda {
namespace {

void run(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<MultiplyAddPeakArguments>();
  CudaDevice& device = device_of(context);
  const int blocks = device.multiprocessors();
  device.launch("multiply_add_peak", "multiply_add_peak", {.x = blocks, .threads = kPeakThreads},
                MultiplyAddPeak{.iterations = arguments.iterations, .never = nullptr});
  const double products = static_cast<double>(blocks) * (kPeakThreads / 32.0) * kPeakProducts;
  *arguments.operations = kPeakOperations * products * static_cast<double>(arguments.iterations);
}

}  // namespace

void register_multiply_add_peak(KernelTable& table) { table.add("multiply_add_peak", DType::f32, {run}); }

}  // namespace attune::cuda
