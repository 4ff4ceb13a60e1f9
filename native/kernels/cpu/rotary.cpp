// rotary: y1 = x1 cos - x2 sin, y2 = x2 cos + x1 sin, halves x1, x2 of a head's first 2F features; the rest
// is copied, and so are heads beyond the first `rotated` of every `period`. x, y (T, heads * head_dim);
// positions i32 (T); F inverse frequencies; angle = position * frequency in float32. The backward needs the
// positions only: the rotation by the negative angle
// (`inverse`). y may be x.

#include "kernels/rotary.h"

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// ---- kernels

/// Sine and cosine in double, rounded once. The reduction by pi / 2 in double is exact to 1e-10 for angles up
/// to a million, where float32 reductions fail; the polynomials are fdlibm's. Plain arithmetic, so the loop
/// vectorises.
void sines_and_cosines(float position, const float* frequencies, std::int64_t n, float scaling, float sign,
                       float* cosines, float* sines) {
  constexpr double kShift = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to a whole number
  for (std::int64_t f = 0; f < n; ++f) {
    const double angle = static_cast<double>(position * frequencies[f]);
    const double turns = (angle * 0.63661977236758134308 + kShift) - kShift;  // quarter turns
    const double r = (angle - turns * 1.57079632679489655800) - turns * 6.12323399573676603587e-17;
    const double z = r * r;
    double s = 1.58969099521155010221e-10;
    s = s * z - 2.50507602534068634195e-08;
    s = s * z + 2.75573137070700676789e-06;
    s = s * z - 1.98412698298579493134e-04;
    s = s * z + 8.33333333332248946124e-03;
    s = s * z - 1.66666666666666324348e-01;
    s = r + r * z * s;
    double c = -1.13596475577881948265e-11;
    c = c * z + 2.08757232129817482790e-09;
    c = c * z - 2.75573143513906633035e-07;
    c = c * z + 2.48015872894767294178e-05;
    c = c * z - 1.38888888888741095749e-03;
    c = c * z + 4.16666666666666019037e-02;
    c = 1.0 - 0.5 * z + z * z * c;
    const double half = turns * 0.5;
    const double whole = (half + kShift) - kShift;
    const bool odd = whole != half;
    const double fourth =
        turns * 0.25;  // of the quarter turns 0..3: 2 and 3 negate the sine, 1 and 2 the cosine
    const double phase = turns - 4.0 * ((fourth - 0.375 + kShift) - kShift);  // turns mod 4 in 0..3
    const double sine = odd ? c : s;
    const double cosine = odd ? s : c;
    sines[f] = static_cast<float>(phase >= 2.0 ? -sine : sine) * scaling * sign;
    cosines[f] = static_cast<float>(phase == 1.0 || phase == 2.0 ? -cosine : cosine) * scaling;
  }
}

/// One head: n features in each half, of which the second begins at x + n.
template <class T>
void rotate_head(const T* x, T* y, const float* cosines, const float* sines, std::int64_t n) {
  for_vectors(n, [&](std::int64_t i, auto lanes) {
    const Vec x1 = load(x + i, lanes);
    const Vec x2 = load(x + n + i, lanes);
    const Vec c = load(cosines + i, lanes);
    const Vec s = load(sines + i, lanes);
    store(y + i, fnma(x2, s, x1 * c), lanes);
    store(y + n + i, fma(x1, s, x2 * c), lanes);
  });
}

// ---- launch

struct Scratch {
  float* cosines;  ///< (T, F)
  float* sines;
};
Scratch lay_out(Carver& carver, const KernelCall& call) {
  const auto frequencies = static_cast<std::int64_t>(call.as<RotaryArguments>().inverse_frequencies.size());
  const std::int64_t angles = call.inputs[1].shape.elements() * frequencies;
  return {carver.take<float>(angles), carver.take<float>(angles)};
}
std::size_t scratch_of(const KernelCall& call, int) {
  Carver carver;
  lay_out(carver, call);
  return carver.used();
}

template <class T>
void run_rotary(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<RotaryArguments>();
  const float* const frequencies = arguments.inverse_frequencies.data();
  const auto half = static_cast<std::int64_t>(arguments.inverse_frequencies.size());
  const std::int64_t head_dim = arguments.head_dim;
  const std::int64_t rows = call.inputs[1].shape.elements();
  if (rows == 0) return;
  const std::int64_t columns = call.inputs[0].shape.elements() / rows;
  const std::int64_t heads = columns / head_dim;
  Carver carver(context.scratch);
  const Scratch scratch = lay_out(carver, call);
  const auto* x = call.inputs[0].as<const T>();
  const auto* positions = call.inputs[1].as<const std::int32_t>();
  auto* y = call.outputs[0].as<T>();
  const float sign = arguments.inverse ? -1.0F : 1.0F;

  run_rows(context.pool, rows, rows_of_task(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      float* const cosines = scratch.cosines + row * half;
      float* const sines = scratch.sines + row * half;
      sines_and_cosines(static_cast<float>(positions[row]), frequencies, half, arguments.attention_scaling,
                        sign, cosines, sines);
      for (std::int64_t head = 0; head < heads; ++head) {
        const std::int64_t at = row * columns + head * head_dim;
        const bool turns = head % arguments.period < arguments.rotated;
        if (turns) rotate_head(x + at, y + at, cosines, sines, half);
        if (x != y) {
          for (std::int64_t i = turns ? 2 * half : 0; i < head_dim; ++i) y[at + i] = x[at + i];
        }
      }
    }
  });
}

}  // namespace

void register_rotary(KernelTable& table) {
  table.add("rotary", DType::f32, {run_rotary<float>, scratch_of});
  table.add("rotary", DType::bf16, {run_rotary<bfloat16>, scratch_of});
}

}  // namespace attune::cpu::ATTUNE_ISA
