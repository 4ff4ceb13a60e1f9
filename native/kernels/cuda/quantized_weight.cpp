#include "kernels/cuda/quantized_weight.h"

#include "core/quantization.h"
#include "kernels/cuda/kernels.h"

namespace attune::cuda {

QuantizedWeight quantized_weight(DType dtype, const void* data, std::int64_t elements) {
  const auto* const codes = static_cast<const std::byte*>(data);
  const std::byte* const scales = codes + code_bytes(dtype, elements);
  const std::size_t scale_codes = whole_lines(static_cast<std::size_t>(quantized_blocks(elements)));
  return {.codes = codes,
          .scales = scales,
          .second_scales = reinterpret_cast<const float*>(scales + scale_codes),
          .nf4 = dtype == DType::nf4};
}

}  // namespace attune::cuda
