#include "optim/optimizer_file.h"

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <vector>

namespace attune {
namespace {

[[nodiscard]] const char* name_in_file(DType dtype) { return dtype == DType::u8 ? "U8" : "F32"; }

/// The header of the file. Parameter names are plain, but quotes and backslashes are escaped all the same.
class Header {
 public:
  void add(const std::string& name, DType dtype, std::size_t elements) {
    std::string escaped;
    for (const char c : name) {
      if (c == '"' || c == '\\') escaped += '\\';
      escaped += c;
    }
    const std::size_t end = offset_ + elements * size_of(dtype);
    text_ += (text_.empty() ? "{\"" : ",\"") + escaped + R"(":{"dtype":")" + name_in_file(dtype) +
             R"(","shape":[)" + std::to_string(elements) + R"(],"data_offsets":[)" + std::to_string(offset_) +
             "," + std::to_string(end) + "]}";
    offset_ = end;
  }
  [[nodiscard]] std::string text() const { return text_ + "}"; }

 private:
  std::string text_;
  std::size_t offset_ = 0;
};

/// What of a parameter's moments is in the device's memory.
struct Part {
  std::string tensor;
  DType dtype;
  const DeviceMemory* memory;

  [[nodiscard]] std::size_t elements() const { return memory->bytes() / size_of(dtype); }
};

[[nodiscard]] std::vector<Part> parts_of(const std::string& name, const Optimizer::Moments& moments) {
  const DType dtype = moments.coded() ? DType::u8 : DType::f32;
  std::vector<Part> parts{{name + ".exp_avg", dtype, &moments.exp_avg},
                          {name + ".exp_avg_sq", dtype, &moments.exp_avg_sq}};
  if (moments.coded()) {
    parts.push_back({name + ".exp_avg_scale", DType::f32, &moments.exp_avg_scale});
    parts.push_back({name + ".exp_avg_sq_scale", DType::f32, &moments.exp_avg_sq_scale});
  }
  return parts;
}

void check_entry(const SafetensorsFile& file, const std::string& tensor, DType dtype, std::size_t elements) {
  const SafetensorsEntry& entry = file.entry(tensor);
  const auto found = static_cast<std::size_t>(SafetensorsFile::elements(entry));
  if (found != elements) {
    throw Error("invalid-checkpoint", tensor,
                "Tensor " + tensor + " of " + file.path() + " has " + std::to_string(found) +
                    " elements; the run needs " + std::to_string(elements) + ".");
  }
  if (entry.dtype == name_in_file(dtype)) return;
  throw Error("invalid-checkpoint", tensor,
              "Tensor " + tensor + " of " + file.path() + " is " + entry.dtype + "; the run needs " +
                  name_in_file(dtype) +
                  ". Go on with the kind of optimizer that wrote it: adamw has moments " +
                  "in float32, adamw_8bit in U8.");
}

}  // namespace

void write_optimizer(const std::string& path, Optimizer& optimizer, ParameterStore& parameters,
                     Device& device) {
  Header header;
  std::vector<SafetensorsSource> sources;
  std::deque<HostView> views;  // as long as the sources
  // The step counts need more than float32's 24 bits only after 16 million steps.
  std::deque<float> steps;
  const auto add = [&](const std::string& tensor, DType dtype, std::span<const std::byte> bytes) {
    header.add(tensor, dtype, bytes.size() / size_of(dtype));
    sources.push_back(dtype == DType::u8
                          ? SafetensorsSource{.dtype = dtype, .codes = bytes}
                          : SafetensorsSource{.dtype = dtype,
                                              .values = {reinterpret_cast<const float*>(bytes.data()),
                                                         bytes.size() / sizeof(float)}});
  };
  const auto add_memory = [&](const std::string& tensor, DType dtype, std::byte* data, std::size_t bytes) {
    const HostView& view = views.emplace_back(device, data, bytes, HostView::Access::read);
    add(tensor, dtype, {view.data(), bytes});
  };
  for (const auto& [name, moments] : optimizer.moments()) {
    const Parameter& parameter = parameters.at(name);
    add(name + ".step", DType::f32,
        std::as_bytes(std::span(&steps.emplace_back(static_cast<float>(moments.steps)), 1)));
    for (const Part& part : parts_of(name, moments))
      add_memory(part.tensor, part.dtype, part.memory->data(), part.memory->bytes());
    add_memory(name + ".weight", DType::f32, parameter.weights(),
               static_cast<std::size_t>(parameter.elements()) * sizeof(float));
  }
  write_safetensors(path, header.text(), sources);
}

void read_optimizer(const SafetensorsFile& file, Optimizer& optimizer, ParameterStore& parameters,
                    Device& device) {
  for (const auto& [name, moments] : optimizer.moments()) {
    const auto elements = static_cast<std::size_t>(parameters.at(name).elements());
    check_entry(file, name + ".step", DType::f32, 1);
    check_entry(file, name + ".weight", DType::f32, elements);
    for (const Part& part : parts_of(name, moments))
      check_entry(file, part.tensor, part.dtype, part.elements());
  }
  for (auto& [name, moments] : optimizer.moments()) {
    for (const Part& part : parts_of(name, moments)) {
      HostView view(device, part.memory->data(), part.memory->bytes(), HostView::Access::write);
      file.read(file.entry(part.tensor), view.data(), part.dtype, false);
      view.finish();
    }
    std::vector<float> weights(static_cast<std::size_t>(parameters.at(name).elements()));
    file.read(file.entry(name + ".weight"), weights, false);
    parameters.write(name, weights);
    float step = 0.0F;
    file.read(file.entry(name + ".step"), {&step, 1}, false);
    moments.steps = static_cast<std::int64_t>(step);
  }
}

}  // namespace attune
