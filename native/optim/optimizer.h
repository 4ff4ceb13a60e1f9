#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "graph/parameter_store.h"
#include "kernels/kernel.h"

namespace attune {

struct OptimizerGroup {
  std::vector<std::string> parameters;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.0;
};

/// Where the gradient of a trained parameter is.
using GradientLookup = std::function<std::byte*(const Parameter&)>;

/// How AdamW's moments are held: in float32, or in a byte each (core/moment_codes.h), but for small tensors.
enum class OptimizerKind { adamw, adamw_8bit };

/// Bytes of both moments of a parameter of so many elements.
[[nodiscard]] std::size_t moment_bytes(OptimizerKind kind, std::int64_t elements);

/// AdamW's state over a flat list of parameters, in groups. Moments start at zero.
class Optimizer {
 public:
  struct Moments {
    DeviceMemory exp_avg;
    DeviceMemory exp_avg_sq;
    DeviceMemory exp_avg_scale;  ///< of codes; empty where moments are float32
    DeviceMemory exp_avg_sq_scale;
    /// Steps this parameter took: a later one's bias is corrected by its own count, as in torch.
    std::int64_t steps = 0;

    [[nodiscard]] bool coded() const { return exp_avg_scale.bytes() > 0; }
    [[nodiscard]] std::size_t bytes() const {
      return exp_avg.bytes() + exp_avg_sq.bytes() + exp_avg_scale.bytes() + exp_avg_sq_scale.bytes();
    }
  };

  /// Every named parameter must be trainable and stand in one group only.
  Optimizer(std::shared_ptr<Device> device, OptimizerKind kind, std::vector<OptimizerGroup> groups,
            ParameterStore& parameters);

  /// Other groups: parameters that stand in both keep their state, new ones start afresh. Throws before it
  /// changes anything.
  void regroup(std::vector<OptimizerGroup> groups, ParameterStore& parameters);

  /// Norm over all gradients of the groups' parameters, as torch.nn.utils.clip_grad_norm_ has it.
  [[nodiscard]] double gradient_norm(ParameterStore& parameters, const GradientLookup& gradient_of,
                                     ThreadPool& pool);

  /// One AdamW step with a rate per group; gradients are multiplied by `gradient_scale` on the way.
  void step(ParameterStore& parameters, const GradientLookup& gradient_of, ThreadPool& pool,
            const std::vector<double>& learning_rates, double gradient_scale);

  [[nodiscard]] std::size_t bytes() const;
  /// Of all parameters that it has.
  [[nodiscard]] double elements(const ParameterStore& parameters) const;
  [[nodiscard]] std::map<std::string, Moments>& moments() { return moments_; }

 private:
  /// A kernel that has all parameters in one call.
  void run(const char* name, const KernelCall& call, ThreadPool& pool);

  [[nodiscard]] Moments make_moments(const Parameter& parameter);

  std::shared_ptr<Device> device_;
  OptimizerKind kind_;
  std::vector<OptimizerGroup> groups_;
  std::map<std::string, Moments> moments_;
  DeviceMemory squared_sums_;  ///< double, of the gradients of `moments_` in its order
  DeviceMemory scratch_;
};

/// min(1, max_norm / (norm + 1e-6)); 1 when max_norm is 0.
[[nodiscard]] double clip_coefficient(double norm, double max_norm);

}  // namespace attune
