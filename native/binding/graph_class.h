#pragma once

#include <napi.h>

#include "graph/graph.h"

namespace attune::binding {

/// JavaScript's `Graph`: see NativeGraph in lib/native.ts.
class GraphClass : public Napi::ObjectWrap<GraphClass> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit GraphClass(const Napi::CallbackInfo& info);

  [[nodiscard]] const Graph& graph() const { return *graph_; }

 private:
  Napi::Value parameter(const Napi::CallbackInfo& info);
  Napi::Value input(const Napi::CallbackInfo& info);
  Napi::Value state(const Napi::CallbackInfo& info);
  Napi::Value node(const Napi::CallbackInfo& info);
  Napi::Value output(const Napi::CallbackInfo& info);
  Napi::Value print(const Napi::CallbackInfo& info);

  std::optional<Graph> graph_;
};

}  // namespace attune::binding
