#include "optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>

#include "core/moment_codes.h"
#include "core/thread_pool.h"
#include "kernels/adamw.h"
#include "kernels/required_kernel.h"

namespace attune {
namespace {

[[nodiscard]] TensorView flat(std::byte* data, std::int64_t elements, DType dtype) {
  TensorView view;
  view.data = data;
  view.dtype = dtype;
  view.shape = {elements};
  view.present = true;
  return view;
}

/// Whether a parameter of so many elements has moments in codes.
[[nodiscard]] bool has_coded_moments(OptimizerKind kind, std::int64_t elements) {
  return kind == OptimizerKind::adamw_8bit && elements >= kFewestCodedMoments;
}

/// Of a parameter's step `t`, counted from 1.
[[nodiscard]] AdamWRates rates(const OptimizerGroup& group, double learning_rate, std::int64_t t) {
  const auto steps = static_cast<double>(t);
  return {
      .learning_rate = static_cast<float>(learning_rate),
      .beta1 = static_cast<float>(group.beta1),
      .beta2 = static_cast<float>(group.beta2),
      .one_minus_beta1 = static_cast<float>(1.0 - group.beta1),
      .one_minus_beta2 = static_cast<float>(1.0 - group.beta2),
      .eps = static_cast<float>(group.eps),
      .weight_decay = static_cast<float>(group.weight_decay),
      .bias_correction1 = static_cast<float>(1.0 - std::pow(group.beta1, steps)),
      .bias_correction2 = static_cast<float>(1.0 - std::pow(group.beta2, steps)),
  };
}

}  // namespace

double clip_coefficient(double norm, double max_norm) {
  return max_norm > 0.0 ? std::min(1.0, max_norm / (norm + 1e-6)) : 1.0;
}

std::size_t moment_bytes(OptimizerKind kind, std::int64_t elements) {
  const bool coded = has_coded_moments(kind, elements);
  const std::int64_t each = coded ? elements + moment_blocks(elements) * 4 : elements * 4;
  return 2 * static_cast<std::size_t>(each);
}

Optimizer::Optimizer(std::shared_ptr<Device> device, OptimizerKind kind, std::vector<OptimizerGroup> groups,
                     ParameterStore& parameters)
    : device_(std::move(device)), kind_(kind) {
  regroup(std::move(groups), parameters);
}

Optimizer::Moments Optimizer::make_moments(const Parameter& parameter) {
  const char* const name = parameter.name.c_str();
  const auto elements = static_cast<std::size_t>(parameter.elements());
  Moments moments;
  if (!has_coded_moments(kind_, parameter.elements())) {
    moments.exp_avg = device_->allocate(elements * sizeof(float), name);
    moments.exp_avg_sq = device_->allocate(elements * sizeof(float), name);
    return moments;
  }
  const std::size_t scales = static_cast<std::size_t>(moment_blocks(parameter.elements())) * sizeof(float);
  // Scales of 0 make zeros of all codes.
  moments.exp_avg = device_->allocate(elements, name);
  moments.exp_avg_sq = device_->allocate(elements, name);
  moments.exp_avg_scale = device_->allocate(scales, name);
  moments.exp_avg_sq_scale = device_->allocate(scales, name);
  return moments;
}

void Optimizer::regroup(std::vector<OptimizerGroup> groups, ParameterStore& parameters) {
  std::map<std::string, Moments> fresh;
  std::set<std::string> kept;
  for (const OptimizerGroup& group : groups) {
    for (const std::string& name : group.parameters) {
      const Parameter& parameter = parameters.at(name);
      if (!parameter.trainable) {
        throw Error("invalid-option", name,
                    "Parameter " + name + " is not trainable, so the optimizer cannot have it.");
      }
      if (fresh.contains(name) || kept.contains(name)) {
        throw Error("invalid-option", name, "Parameter " + name + " stands in two groups of the optimizer.");
      }
      if (moments_.contains(name)) {
        kept.insert(name);
        continue;
      }
      fresh.emplace(name, make_moments(parameter));
    }
  }
  std::erase_if(moments_, [&](const auto& entry) { return !kept.contains(entry.first); });
  moments_.merge(fresh);
  groups_ = std::move(groups);
}

double Optimizer::gradient_norm(ParameterStore& parameters, const GradientLookup& gradient_of,
                                ThreadPool& pool) {
  const std::size_t bytes = moments_.size() * sizeof(double);
  if (squared_sums_.bytes() != bytes) squared_sums_ = device_->allocate(bytes, "gradient norm");
  std::vector<TensorView> gradients;
  gradients.reserve(moments_.size());
  for (const auto& [name, moments] : moments_) {
    const Parameter& parameter = parameters.at(name);
    gradients.push_back(flat(gradient_of(parameter), parameter.elements(), DType::f32));
  }
  const std::any arguments = SquaredSumArguments{.results = reinterpret_cast<double*>(squared_sums_.data())};
  run("squared_sum", {.arguments = arguments, .inputs = gradients, .outputs = {}}, pool);
  // One look at the device for all parameters: each has it wait.
  std::vector<double> sums(moments_.size());
  device_->read(std::as_writable_bytes(std::span(sums)), squared_sums_.data());
  return std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
}

void Optimizer::step(ParameterStore& parameters, const GradientLookup& gradient_of, ThreadPool& pool,
                     const std::vector<double>& learning_rates, double gradient_scale) {
  if (learning_rates.size() != groups_.size()) {
    throw Error("invalid-option", "learningRates",
                "The optimizer has " + std::to_string(groups_.size()) + " groups but got " +
                    std::to_string(learning_rates.size()) + " learning rates.");
  }
  AdamWArguments settings{.rates = {}, .gradient_scale = static_cast<float>(gradient_scale)};
  std::vector<TensorView> gradients;
  std::vector<TensorView> outputs;
  settings.rates.reserve(moments_.size());
  gradients.reserve(moments_.size());
  outputs.reserve(moments_.size() * kAdamWOutputs);
  for (std::size_t index = 0; index < groups_.size(); ++index) {
    for (const std::string& name : groups_[index].parameters) {
      Parameter& parameter = parameters.at(name);
      Moments& moments = moments_.at(name);
      settings.rates.push_back(rates(groups_[index], learning_rates[index], ++moments.steps));
      const std::int64_t n = parameter.elements();
      gradients.push_back(flat(gradient_of(parameter), n, DType::f32));
      outputs.push_back(flat(parameter.weights(), n, DType::f32));
      const DType dtype = moments.coded() ? DType::u8 : DType::f32;
      outputs.push_back(flat(moments.exp_avg.data(), n, dtype));
      outputs.push_back(flat(moments.exp_avg_sq.data(), n, dtype));
      const bool narrow = parameter.master.data() != nullptr;
      outputs.push_back(narrow ? flat(parameter.data.data(), n, DType::bf16) : TensorView{});
      for (const DeviceMemory* scale : {&moments.exp_avg_scale, &moments.exp_avg_sq_scale})
        outputs.push_back(moments.coded() ? flat(scale->data(), moment_blocks(n), DType::f32) : TensorView{});
    }
  }
  const std::any arguments = std::move(settings);
  run("adamw", {.arguments = arguments, .inputs = gradients, .outputs = outputs}, pool);
}

void Optimizer::run(const char* name, const KernelCall& call, ThreadPool& pool) {
  const Kernel& kernel = required_kernel(*device_, name, DType::f32, name);
  const std::size_t scratch = kernel.scratch(call, pool.threads());
  if (scratch_.bytes() < scratch) scratch_ = device_->allocate(scratch, "optimizer");
  KernelContext context{*device_, pool, {scratch_.data(), scratch_.bytes()}, {}, {}, false};
  kernel.run(context, call);
}

std::size_t Optimizer::bytes() const {
  std::size_t bytes = 0;
  for (const auto& [name, moments] : moments_) bytes += moments.bytes();
  return bytes;
}

double Optimizer::elements(const ParameterStore& parameters) const {
  double elements = 0.0;
  for (const auto& [name, moments] : moments_)
    elements += static_cast<double>(parameters.all().at(name).elements());
  return elements;
}

}  // namespace attune
