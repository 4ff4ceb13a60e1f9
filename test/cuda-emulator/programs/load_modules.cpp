// Loads fat binaries on the emulated GPU, which translates them and keeps them for whoever loads them next.

#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

#include "programs/driver.h"

int main(int count, char** paths) {
  CUcontext context = nullptr;
  if (cuInit(0) != 0 || cuDevicePrimaryCtxRetain(&context, 0) != 0 || cuCtxSetCurrent(context) != 0) return 1;
  for (int i = 1; i < count; ++i) {
    std::ifstream file(paths[i], std::ios::binary);
    const std::vector<char> image{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    CUmodule module = nullptr;
    if (image.empty() || cuModuleLoadData(&module, image.data()) != 0) {
      std::fprintf(stderr, "%s: %s\n", paths[i], attuneCudaEmulatorMessage());
      return 1;
    }
  }
  return 0;
}
