#pragma once

namespace attune::cuda {

/// A weight in fewer bits: see core/quantization.h. Its elements follow each other without gaps.
struct QuantizedWeight {
  const void* codes;
  const void* scales;          ///< of blocks: floats, or codes of nf4's
  const float* second_scales;  ///< of nf4: mean of the scales, then the scales' scales
  bool nf4;
};

}  // namespace attune::cuda
