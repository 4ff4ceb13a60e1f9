#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backend/device.h"
#include "core/dtype.h"
#include "core/shape.h"

namespace attune {

/// One weight: what the kernels read, and, while it is trained, its float32 master copy and, where gradients
/// outlive a run, its gradient.
struct Parameter {
  std::string name;
  Shape shape;
  DType dtype = DType::f32;
  DeviceMemory data;
  bool trainable = false;
  DeviceMemory gradient;  ///< float32, only where `keep_gradients` made it
  DeviceMemory
      master;  ///< float32, only while trainable and stored narrower: small updates would be lost in bfloat16

  [[nodiscard]] std::int64_t elements() const { return shape.elements(); }
  /// Where the optimiser writes: the master if there is one.
  [[nodiscard]] std::byte* weights() const { return master.data() != nullptr ? master.data() : data.data(); }
};

/// The parameters of one model by Hugging Face's names.
class ParameterStore {
 public:
  explicit ParameterStore(std::shared_ptr<Device> device) : device_(std::move(device)) {}

  /// Zeros. Defining a name twice throws Error{"internal"}.
  void define(const std::string& name, const Shape& shape, DType dtype);
  void remove(const std::string& name);
  [[nodiscard]] Parameter& at(std::string_view name);
  [[nodiscard]] const std::map<std::string, Parameter, std::less<>>& all() const { return parameters_; }

  /// Trains these and no others: they have masters where they are stored narrower than float32. Gradients of
  /// others are given back.
  void set_trainable(const std::vector<std::string>& names);
  /// Gives what is trainable memory for gradients that outlive a run.
  void keep_gradients();
  void release_gradients();

  void read(std::string_view name, std::span<float> out);
  void write(std::string_view name, std::span<const float> values);

  [[nodiscard]] std::size_t parameter_bytes() const;  ///< weights and masters
  [[nodiscard]] std::size_t gradient_bytes() const;

 private:
  std::shared_ptr<Device> device_;
  std::map<std::string, Parameter, std::less<>> parameters_;
};

}  // namespace attune
