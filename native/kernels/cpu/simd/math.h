#pragma once

// Functions of one variable over Vec, the same for every instruction set.

namespace attune::cpu::ATTUNE_ISA {

/// exp(x) / 2^n = exp(r), r = x - n ln 2 in [-ln 2 / 2, ln 2 / 2], ln 2 in two parts so that r is exact. The
/// polynomial is SLEEF's (Shibata, expf u10), 1 ulp.
ATTUNE_INLINE Vec exp_beside_powers(Vec x, Vec n) {
  Vec r = fnma(n, broadcast(0.693145752F), x);
  r = fnma(n, broadcast(1.42860677e-6F), r);
  Vec p = broadcast(1.98527618e-4F);
  p = fma(p, r, broadcast(1.39304355e-3F));
  p = fma(p, r, broadcast(8.33336078e-3F));
  p = fma(p, r, broadcast(4.16664854e-2F));
  p = fma(p, r, broadcast(1.66666672e-1F));
  p = fma(p, r, broadcast(0.5F));
  return fma(r * r, p, r) + broadcast(1.0F);
}

/// Limits: past them the result is 0 or infinity anyway.
ATTUNE_INLINE Vec exp(Vec x) {
  x = min(broadcast(89.0F), max(broadcast(-104.0F), x));
  const Vec n = round(x * broadcast(1.44269504F));
  return scale_by_power_of_two(exp_beside_powers(x, n), n);
}

/// exp(x) of x <= 0, as softmax has it, with fewer steps: 2^n needs one factor, and n falls out of the sum
/// that rounds it. Results below 2^-126 are 0.
ATTUNE_INLINE Vec exp_of_nonpositive(Vec x) {
  x = max(broadcast(-88.0F), x);
  const Vec shifted = fma(x, broadcast(1.44269504F), broadcast(kPowerShift));
  return exp_beside_powers(x, shifted - broadcast(kPowerShift)) * power_of_two(shifted);
}

/// 1 / (1 + exp(-x)); exp(-x) may be infinite, the quotient is then 0.
ATTUNE_INLINE Vec sigmoid(Vec x) { return broadcast(1.0F) / (broadcast(1.0F) + exp(negate(x))); }

/// Near 0 an odd polynomial (Cephes tanhf), because 1 - 2 / (exp(2x) + 1) cancels there.
ATTUNE_INLINE Vec tanh(Vec x) {
  const Vec t = abs(x);
  const Vec z = x * x;
  Vec p = broadcast(-5.70498872745e-3F);
  p = fma(p, z, broadcast(2.06390887954e-2F));
  p = fma(p, z, broadcast(-5.37397155531e-2F));
  p = fma(p, z, broadcast(1.33314422036e-1F));
  p = fma(p, z, broadcast(-3.33332819422e-1F));
  const Vec small = fma(p * z, x, x);
  const Vec large = broadcast(1.0F) - broadcast(2.0F) / (exp(t + t) + broadcast(1.0F));
  return select(less(t, broadcast(0.625F)), small, copy_sign(large, x));
}

/// Two ranges after N. Juffa (erff, 1 ulp): an odd polynomial below 0.928, 1 - exp(polynomial) above it.
ATTUNE_INLINE Vec erf(Vec x) {
  const Vec t = min(broadcast(6.0F), abs(x));
  const Vec s = t * t;
  Vec r = fma(broadcast(-1.72853470e-5F), t, broadcast(3.83197126e-4F));
  const Vec u = fma(broadcast(-3.88396438e-3F), t, broadcast(2.42546219e-2F));
  r = fma(r, s, u);
  r = fma(r, t, broadcast(-1.06777877e-1F));
  r = fma(r, t, broadcast(-6.34846687e-1F));
  r = fma(r, t, broadcast(-1.28717512e-1F));
  r = fma(r, t, negate(t));
  const Vec large = broadcast(1.0F) - exp(r);
  Vec p = broadcast(-5.96761703e-4F);
  p = fma(p, s, broadcast(4.99119423e-3F));
  p = fma(p, s, broadcast(-2.67681349e-2F));
  p = fma(p, s, broadcast(1.12819925e-1F));
  p = fma(p, s, broadcast(-3.76125336e-1F));
  p = fma(p, s, broadcast(1.28379166e-1F));
  const Vec small = fma(p, x, x);
  return select(less(t, broadcast(0.927734375F)), small, copy_sign(large, x));
}

}  // namespace attune::cpu::ATTUNE_ISA
