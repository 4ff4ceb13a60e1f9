#include "kernels/cuda/activation.h"

#include "kernels/cuda/kernels.h"

namespace attune::cuda {
namespace {

void forward(KernelContext& context, const KernelCall& call) {
  const TensorView& y = call.outputs[0];
  const std::int64_t count = y.shape.elements();
  device_of(context).launch("activation", entry("activation", y.dtype), pack_grid(count, y.dtype),
                            Activation{.x = call.inputs[0].data,
                                       .dy = nullptr,
                                       .y = y.data,
                                       .count = count,
                                       .kind = call.as<ActivationArguments>().kind});
}

void backward(KernelContext& context, const KernelCall& call) {
  const TensorView& dx = call.outputs[0];
  const std::int64_t count = dx.shape.elements();
  device_of(context).launch("activation", entry("activation_backward", dx.dtype), pack_grid(count, dx.dtype),
                            Activation{.x = call.inputs[1].data,
                                       .dy = call.inputs[0].data,
                                       .y = dx.data,
                                       .count = count,
                                       .kind = call.as<ActivationArguments>().kind});
}

/// The element of a row of halves where the gate begins, or `up`.
struct Halves {
  std::int64_t gate;
  std::int64_t up;
};
[[nodiscard]] Halves halves_of(GateOrder order, std::int64_t columns) {
  return order == GateOrder::gate_up ? Halves{.gate = 0, .up = columns} : Halves{.gate = columns, .up = 0};
}

template <class T>
[[nodiscard]] T* moved(T* data, std::int64_t elements, DType dtype) {
  using Byte = std::conditional_t<std::is_const_v<T>, const std::byte, std::byte>;
  if (data == nullptr) return nullptr;
  return static_cast<Byte*>(data) + elements * static_cast<std::int64_t>(size_of(dtype));
}

/// The shape, and where gate and up are: `gate` and `up` as of the call, null for halves.
[[nodiscard]] GatedActivation shaped(const GatedActivationArguments& arguments, const TensorView& y,
                                     const void* gate, const void* up) {
  GatedActivation out{};
  out.kind = arguments.kind;
  out.gate = gate;
  out.up = up;
  out.rows = 1;
  out.columns = y.shape.elements();
  out.whole = true;
  if (up == nullptr) {
    out.rows = y.shape.rows();
    out.columns = y.shape.columns();
    const Halves halves = halves_of(arguments.order, out.columns);
    out.gate = moved(gate, halves.gate, y.dtype);
    out.up = moved(gate, halves.up, y.dtype);
    out.whole = out.columns % static_cast<std::int64_t>(16 / size_of(y.dtype)) == 0;
  }
  out.stride = 2 * out.columns;
  return out;
}

void launch(KernelContext& context, const char* kernel, DType dtype, const GatedActivation& arguments) {
  CudaGrid grid = pack_grid(arguments.columns, dtype);
  grid.y = std::min(arguments.rows, kMostBlocksOfY);
  device_of(context).launch("activation", entry(kernel, dtype), grid, arguments);
}

void gated_forward(KernelContext& context, const KernelCall& call) {
  const TensorView& y = call.outputs[0];
  GatedActivation arguments = shaped(call.as<GatedActivationArguments>(), y, call.inputs[0].data,
                                     data_of<const void>(call.inputs, 1));
  arguments.y = y.data;
  launch(context, "gated_activation", y.dtype, arguments);
}

void gated_backward(KernelContext& context, const KernelCall& call) {
  const auto& given = call.as<GatedActivationArguments>();
  const TensorView& dy = call.inputs[0];
  const auto* up = data_of<const void>(call.inputs, 2);
  GatedActivation arguments = shaped(given, dy, call.inputs[1].data, up);
  arguments.dy = dy.data;
  arguments.dgate = data_of(call.outputs, 0);
  arguments.dup = data_of(call.outputs, 1);
  if (up == nullptr) {
    const Halves halves = halves_of(given.order, arguments.columns);
    arguments.dup = moved(arguments.dgate, halves.up, dy.dtype);
    arguments.dgate = moved(arguments.dgate, halves.gate, dy.dtype);
  }
  launch(context, "gated_activation_backward", dy.dtype, arguments);
}

}  // namespace

void register_activation(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    table.add("activation", dtype, {forward});
    table.add("activation_backward", dtype, {backward});
    table.add("gated_activation", dtype, {gated_forward});
    table.add("gated_activation_backward", dtype, {gated_backward});
  }
}

}  // namespace attune::cuda
