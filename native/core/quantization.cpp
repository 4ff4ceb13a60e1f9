#include "core/quantization.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace attune {
namespace {

/// Index of the value that is nearest; of two as near the lower one.
template <std::size_t kCount>
[[nodiscard]] std::uint8_t nearest(const std::array<float, kCount>& ascending, float value) {
  const auto above = static_cast<std::size_t>(std::lower_bound(ascending.begin(), ascending.end(), value) -
                                              ascending.begin());
  if (above == 0) return 0;
  if (above == kCount) return kCount - 1;
  const bool lower = value - ascending[above - 1] <= ascending[above] - value;
  return static_cast<std::uint8_t>(lower ? above - 1 : above);
}

[[nodiscard]] float largest_magnitude(std::span<const float> values) {
  float largest = 0.0F;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  return largest;
}

[[nodiscard]] float quotient(float value, float scale) { return scale == 0.0F ? 0.0F : value / scale; }

void quantize_int8(std::span<const float> values, std::byte* out) {
  auto* codes = reinterpret_cast<std::int8_t*>(out);
  auto* scales =
      reinterpret_cast<float*>(out + code_bytes(DType::int8, static_cast<std::int64_t>(values.size())));
  for (std::size_t begin = 0; begin < values.size(); begin += kQuantizedBlock) {
    const std::span block =
        values.subspan(begin, std::min<std::size_t>(kQuantizedBlock, values.size() - begin));
    const float scale = largest_magnitude(block) / 127.0F;
    scales[begin / kQuantizedBlock] = scale;
    for (std::size_t i = 0; i < block.size(); ++i) {
      // A scale that is subnormal has few bits: the quotient may pass 127.
      const float code = std::clamp(std::nearbyint(quotient(block[i], scale)), -127.0F, 127.0F);
      codes[begin + i] = static_cast<std::int8_t>(code);
    }
  }
}

void quantize_nf4_scales(std::span<const float> scales, std::byte* out) {
  auto* codes = reinterpret_cast<std::uint8_t*>(out);
  auto* mean = reinterpret_cast<float*>(out + whole_lines(scales.size()));
  double sum = 0.0;
  for (const float scale : scales) sum += scale;
  *mean = scales.empty() ? 0.0F : static_cast<float>(sum / static_cast<double>(scales.size()));
  std::vector<float> rest(scales.size());
  std::transform(scales.begin(), scales.end(), rest.begin(), [&](float scale) { return scale - *mean; });
  for (std::size_t begin = 0; begin < rest.size(); begin += kScaleBlock) {
    const std::span block =
        std::span(rest).subspan(begin, std::min<std::size_t>(kScaleBlock, rest.size() - begin));
    const float second = largest_magnitude(block);
    mean[1 + begin / kScaleBlock] = second;
    for (std::size_t i = 0; i < block.size(); ++i)
      codes[begin + i] = nearest(kScaleValues, quotient(block[i], second));
  }
}

void quantize_nf4(std::span<const float> values, std::byte* out) {
  const auto elements = static_cast<std::int64_t>(values.size());
  std::vector<float> scales(static_cast<std::size_t>(quantized_blocks(elements)));
  std::fill_n(out, code_bytes(DType::nf4, elements), std::byte{0});
  for (std::size_t begin = 0; begin < values.size(); begin += kQuantizedBlock) {
    const std::span block =
        values.subspan(begin, std::min<std::size_t>(kQuantizedBlock, values.size() - begin));
    const float scale = largest_magnitude(block);
    scales[begin / kQuantizedBlock] = scale;
    for (std::size_t i = 0; i < block.size(); ++i) {
      const std::uint8_t code = nearest(kNf4Values, quotient(block[i], scale));
      out[(begin + i) / 2] |= static_cast<std::byte>(i % 2 == 0 ? code << 4 : code);
    }
  }
  quantize_nf4_scales(scales, out + code_bytes(DType::nf4, elements));
}

}  // namespace

void quantize(DType dtype, std::span<const float> values, std::byte* out, const char* name) {
  const bool finite =
      std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
  if (!finite) {
    throw Error("invalid-file", name,
                std::string(name) +
                    " holds a value that is not finite: it cannot be quantized. Load it without "
                    "quantization.");
  }
  if (dtype == DType::int8) {
    quantize_int8(values, out);
  } else {
    quantize_nf4(values, out);
  }
}

void dequantize(DType dtype, const std::byte* data, std::span<float> out) {
  const auto elements = static_cast<std::int64_t>(out.size());
  const QuantizedView view = view_quantized(dtype, data, elements);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t block = i / kQuantizedBlock;
    if (dtype == DType::int8) {
      out[i] = static_cast<float>(view.int8_codes[i]) * view.int8_scales[block];
      continue;
    }
    const unsigned pair = view.nf4_codes[i / 2];
    out[i] = view.nf4_values[i % 2 == 0 ? pair >> 4U : pair & 15U] *
             nf4_scale(view, static_cast<std::int64_t>(block));
  }
}

float nf4_scale(const QuantizedView& view, std::int64_t block) {
  return view.scale_values[view.scale_codes[block]] * view.second_scales[block / kScaleBlock] + view.mean;
}

QuantizedView view_quantized(DType dtype, const void* data, std::int64_t elements) {
  QuantizedView view{.dtype = dtype, .nf4_values = kNf4Values.data(), .scale_values = kScaleValues.data()};
  const auto* bytes = static_cast<const std::byte*>(data);
  const std::byte* behind = bytes + code_bytes(dtype, elements);
  if (dtype == DType::int8) {
    view.int8_codes = reinterpret_cast<const std::int8_t*>(bytes);
    view.int8_scales = reinterpret_cast<const float*>(behind);
    return view;
  }
  view.nf4_codes = reinterpret_cast<const std::uint8_t*>(bytes);
  view.scale_codes = reinterpret_cast<const std::uint8_t*>(behind);
  const auto* floats = reinterpret_cast<const float*>(
      behind + whole_lines(static_cast<std::size_t>(quantized_blocks(elements))));
  view.mean = floats[0];
  view.second_scales = floats + 1;
  return view;
}

}  // namespace attune
