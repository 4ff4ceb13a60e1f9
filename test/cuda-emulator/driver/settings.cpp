#include "driver/settings.h"

#include <cstdlib>
#include <sstream>

#include "driver/driver_error.h"

namespace emulator {
namespace {

[[noreturn]] void refuse(const std::string& pair) {
  throw DriverError(CUDA_ERROR_INVALID_VALUE, "setting `" + pair + "` is not known");
}

std::uint64_t number(const std::string& pair, const std::string& text) {
  char* end = nullptr;
  std::uint64_t value = std::strtoull(text.c_str(), &end, 10);
  if (end == text.c_str()) refuse(pair);
  const std::string unit(end);
  if (unit == "K")
    value <<= 10;
  else if (unit == "M")
    value <<= 20;
  else if (unit == "G")
    value <<= 30;
  else if (!unit.empty())
    refuse(pair);
  return value;
}

Order order(const std::string& pair, const std::string& text) {
  if (text == "forward") return Order::forward;
  if (text == "reverse") return Order::reverse;
  if (text == "random") return Order::random;
  refuse(pair);
}

int compute_capability(const std::string& pair, const std::string& text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string::npos) refuse(pair);
  return static_cast<int>(10 * number(pair, text.substr(0, dot)) + number(pair, text.substr(dot + 1)));
}

}  // namespace

void apply_settings(Settings& settings, const std::string& text) {
  std::istringstream pairs(text);
  for (std::string pair; std::getline(pairs, pair, ',');) {
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos) refuse(pair);
    const std::string key = pair.substr(0, equals);
    const std::string value = pair.substr(equals + 1);
    if (key == "order")
      settings.order = order(pair, value);
    else if (key == "seed")
      settings.seed = static_cast<std::uint32_t>(number(pair, value));
    else if (key == "devices")
      settings.devices = static_cast<int>(number(pair, value));
    else if (key == "driver")
      settings.driver_version = static_cast<int>(number(pair, value));
    else if (key == "compute-capability")
      settings.compute_capability = compute_capability(pair, value);
    else if (key == "multiprocessors")
      settings.multiprocessors = static_cast<int>(number(pair, value));
    else if (key == "memory")
      settings.memory = number(pair, value);
    else if (key == "fail-allocation")
      settings.fail_allocation = number(pair, value);
    else if (key == "fail-launch")
      settings.fail_launch = number(pair, value);
    else if (key == "fail-launch-code")
      settings.fail_launch_code = static_cast<CUresult>(number(pair, value));
    else if (key == "eager")
      settings.eager = number(pair, value) != 0;
    else if (key == "tape")
      settings.tape = value;
    else
      refuse(pair);
  }
}

}  // namespace emulator
