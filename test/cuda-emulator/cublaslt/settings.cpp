#include "cublaslt/settings.h"

#include <cstdlib>
#include <sstream>

#include "cublaslt/refusal.h"

namespace emulator {

CublasLtSettings cublaslt_settings() {
  CublasLtSettings settings;
  const char* const text = std::getenv("ATTUNE_CUBLASLT_EMULATOR");
  std::istringstream pairs(text == nullptr ? "" : text);
  for (std::string pair; std::getline(pairs, pair, ',');) {
    const std::size_t equals = pair.find('=');
    const std::string key = pair.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : pair.substr(equals + 1);
    if (key == "version")
      settings.version = std::strtoull(value.c_str(), nullptr, 10);
    else if (key == "fail-create")
      settings.fail_create = value != "0";
    else if (key == "algorithms")
      settings.algorithms = value != "0";
    else if (key == "fail-product")
      settings.fail_product = value != "0";
    else if (key == "trace")
      settings.trace = value;
    else
      throw Refusal("setting `" + pair + "` is not known");
  }
  return settings;
}

}  // namespace emulator
