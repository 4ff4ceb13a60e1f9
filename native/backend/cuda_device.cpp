#include "backend/cuda_device.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "core/error.h"

namespace attune {
namespace {

using cuda::DeviceAddress;
using cuda::DeviceAttribute;

/// A batch's inputs are a few hundred KiB; weights go through it piece by piece.
constexpr std::size_t kStagingBytes = std::size_t{8} << 20;

/// Kernels multiply with mma.sync and copy with cp.async, which came with compute capability 8.0 (Ampere).
constexpr int kLeastMajor = 8;

/// Recorded runs that are kept. Batches of all lengths are as many plans, which seldom come again; decoding
/// has a few that do.
constexpr std::size_t kRecordings = 16;

/// What cuBLAS's documentation recommends for GPUs of compute capability 9.0 (Hopper) and newer, and of 8. It
/// is the device's own and in no plan: one stream needs one, whatever is multiplied.
constexpr std::size_t kWorkspaceBytes = std::size_t{32} << 20;
constexpr std::size_t kSmallWorkspaceBytes = std::size_t{4} << 20;

/// A stream that waits for no other one.
constexpr unsigned kNonBlocking = 1;

[[nodiscard]] DeviceAddress address(const std::byte* data) { return reinterpret_cast<DeviceAddress>(data); }

[[noreturn]] void refuse_missing_kernels(const std::string& path) {
  throw Error("unsupported-device", "device",
              "Device 'cuda' needs its kernels, and " + path +
                  " could not be read. Build them with `npm run build:cuda`, or use device 'cpu'.");
}

[[nodiscard]] std::vector<char> read_image(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> image{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file || image.empty()) refuse_missing_kernels(path);
  return image;
}

[[nodiscard]] std::string mebibytes(std::size_t bytes) {
  return std::to_string((bytes + (std::size_t{1} << 20) - 1) >> 20) + " MiB";
}

}  // namespace

std::shared_ptr<CudaDevice> CudaDevice::open(std::shared_ptr<const KernelTable> kernels, std::string folder,
                                             bool graphs) {
  std::shared_ptr<CudaDevice> device(new CudaDevice(std::move(kernels), std::move(folder), graphs));
  device->start();
  return device;
}

CudaDevice::CudaDevice(std::shared_ptr<const KernelTable> kernels, std::string folder, bool graphs)
    : driver_(cuda::driver()), kernels_(std::move(kernels)), folder_(std::move(folder)), graphs_(graphs) {}

void CudaDevice::start() {
  if (!std::filesystem::is_directory(folder_)) refuse_missing_kernels(folder_);
  driver_.check(driver_.cuDeviceGet(&number_, 0), "find the GPU");
  char name[256] = {};
  driver_.check(driver_.cuDeviceGetName(name, sizeof(name) - 1, number_), "ask for the GPU's name");
  model_ = name;
  const int major = attribute(DeviceAttribute::capability_major);
  const int minor = attribute(DeviceAttribute::capability_minor);
  if (major < kLeastMajor) {
    throw Error("unsupported-device", "device",
                "The GPU " + model_ + " has compute capability " + std::to_string(major) + "." +
                    std::to_string(minor) + " and attune's kernels need 8.0 or newer: use device 'cpu'.");
  }
  multiprocessors_ = attribute(DeviceAttribute::multiprocessors);
  shared_memory_ = attribute(DeviceAttribute::shared_memory_opt_in);
  driver_.check(driver_.cuDevicePrimaryCtxRetain(&context_, number_), "make a context on the GPU");
  enter();
  driver_.check(driver_.cuStreamCreate(&stream_, kNonBlocking), "make a stream");
  void* pinned = nullptr;
  driver_.check(driver_.cuMemHostAlloc(&pinned, kStagingBytes, 0), "pin memory for batches");
  staging_ = static_cast<std::byte*>(pinned);
  random_ = allocate_bytes(sizeof(PhiloxKey), "random numbers");
  start_cublaslt(major);
}

void CudaDevice::start_cublaslt(int compute_capability_major) {
  std::optional<cuda::CublasLt> library = cuda::load_cublaslt();
  if (!library) return;
  const std::size_t bytes = compute_capability_major > 8 ? kWorkspaceBytes : kSmallWorkspaceBytes;
  workspace_ = allocate_bytes(bytes, "cuBLASLt's workspace");
  cublaslt_.emplace(std::move(*library), workspace_, bytes);
}

CudaDevice::~CudaDevice() {
  // What fails here fails because the device is lost, and then there is nothing to give back.
  if (context_ == nullptr) return;
  driver_.cuCtxSetCurrent(context_);
  if (stream_ != nullptr) driver_.cuStreamSynchronize(stream_);
  if (staging_ != nullptr) driver_.cuMemFreeHost(staging_);
  forget_recordings();
  cublaslt_.reset();
  if (workspace_ != nullptr) driver_.cuMemFree_v2(address(workspace_));
  for (const auto& [values, data] : constants_) driver_.cuMemFree_v2(address(data));
  if (random_ != nullptr) driver_.cuMemFree_v2(address(random_));
  for (const auto& [name, loaded] : modules_) driver_.cuModuleUnload(loaded);
  if (stream_ != nullptr) driver_.cuStreamDestroy_v2(stream_);
  driver_.cuDevicePrimaryCtxRelease_v2(number_);
}

int CudaDevice::attribute(DeviceAttribute which) const {
  int value = 0;
  driver_.check(driver_.cuDeviceGetAttribute(&value, which, number_), "ask what the GPU can do");
  return value;
}

void CudaDevice::enter() const { driver_.check(driver_.cuCtxSetCurrent(context_), "enter its context"); }

void CudaDevice::finish() const { driver_.check(driver_.cuStreamSynchronize(stream_), "finish its work"); }

void CudaDevice::wait() {
  const std::scoped_lock lock(mutex_);
  enter();
  finish();
  staged_ = 0;
}

std::optional<Device::Capacity> CudaDevice::capacity() const {
  const std::scoped_lock lock(mutex_);
  enter();
  return ask_capacity();
}

Device::Capacity CudaDevice::ask_capacity() const {
  Capacity capacity;
  driver_.check(driver_.cuMemGetInfo_v2(&capacity.free, &capacity.total), "ask for free memory");
  return capacity;
}

DeviceMemory CudaDevice::allocate(std::size_t bytes, const char* what) {
  if (bytes == 0) return {};
  const std::scoped_lock lock(mutex_);
  enter();
  DeviceMemory owned(shared_from_this(), allocate_bytes(bytes, what), bytes);
  driver_.check(driver_.cuMemsetD8Async(address(owned.data()), 0, bytes, stream_), "clear memory");
  return owned;
}

std::byte* CudaDevice::allocate_bytes(std::size_t bytes, const char* what) {
  DeviceAddress data = 0;
  const cuda::Result result = driver_.cuMemAlloc_v2(&data, bytes);
  if (result == cuda::kOutOfMemory) {
    const Capacity left = ask_capacity();
    throw Error("out-of-memory", what,
                "Could not get " + mebibytes(bytes) + " for " + what + ": the GPU " + model_ + " has " +
                    mebibytes(left.free) + " of " + mebibytes(left.total) +
                    " left. Use a smaller batch, dtype 'bf16' or an adapter.");
  }
  driver_.check(result, "allocate memory");
  return reinterpret_cast<std::byte*>(data);
}

void CudaDevice::release(std::byte* data, std::size_t /*bytes*/) noexcept {
  const std::scoped_lock lock(mutex_);
  driver_.cuCtxSetCurrent(context_);
  forget_recordings();                  // their kernels may have its address
  driver_.cuMemFree_v2(address(data));  // it waits for kernels that may use it
}

const void* CudaDevice::constant_bytes(std::span<const std::byte> values) {
  if (values.empty()) return nullptr;
  const std::scoped_lock lock(mutex_);
  std::string key(reinterpret_cast<const char*>(values.data()), values.size());
  const auto known = constants_.find(key);
  if (known != constants_.end()) return known->second;
  enter();
  std::byte* const data = allocate_bytes(values.size(), "a table");
  constants_.emplace(std::move(key), data);
  write(data, values);
  return data;
}

void CudaDevice::write(std::byte* to, std::span<const std::byte> from) {
  const std::scoped_lock lock(mutex_);
  enter();
  while (!from.empty()) {
    if (staged_ == kStagingBytes) {
      finish();
      staged_ = 0;
    }
    const std::span<const std::byte> piece = from.first(std::min(from.size(), kStagingBytes - staged_));
    std::memcpy(staging_ + staged_, piece.data(), piece.size());
    driver_.check(driver_.cuMemcpyHtoDAsync_v2(address(to), staging_ + staged_, piece.size(), stream_),
                  "copy to the GPU");
    staged_ += piece.size();
    to += piece.size();
    from = from.subspan(piece.size());
  }
}

void CudaDevice::read(std::span<std::byte> to, const std::byte* from) {
  const std::scoped_lock lock(mutex_);
  enter();
  if (!to.empty())
    driver_.check(driver_.cuMemcpyDtoHAsync_v2(to.data(), address(from), to.size(), stream_),
                  "copy from the GPU");
  finish();
  staged_ = 0;
}

void CudaDevice::copy(std::byte* to, const std::byte* from, std::size_t bytes) {
  if (bytes == 0) return;
  const std::scoped_lock lock(mutex_);
  enter();
  driver_.check(driver_.cuMemcpyDtoDAsync_v2(address(to), address(from), bytes, stream_), "copy on the GPU");
}

void CudaDevice::zero(std::byte* to, std::size_t bytes) {
  if (bytes == 0) return;
  const std::scoped_lock lock(mutex_);
  enter();
  driver_.check(driver_.cuMemsetD8Async(address(to), 0, bytes, stream_), "clear memory");
}

void CudaDevice::repeat(const Run& run, const std::function<void()>& queue) {
  write(random_, std::as_bytes(std::span(&run.random, 1)));
  if (run.schedule == nullptr || !graphs_) return queue();
  Recording* const recording = recording_of(run);
  if (recording == nullptr) {
    // Not recorded yet: modules are loaded and tables made on the way, which a recording cannot have.
    queue();
    const std::scoped_lock lock(mutex_);
    if (recordings_.size() == kRecordings) forget_recordings();
    recordings_.push_back({.schedule = run.schedule, .accumulate = run.accumulate});
    return;
  }
  const std::scoped_lock lock(mutex_);
  enter();
  if (recording->graph == nullptr) record(*recording, queue);
  driver_.check(driver_.cuGraphLaunch(recording->graph, stream_), "launch a recorded run");
}

CudaDevice::Recording* CudaDevice::recording_of(const Run& run) {
  const std::scoped_lock lock(mutex_);
  const auto same = [&](const Recording& known) {
    return known.accumulate == run.accumulate && !known.schedule.owner_before(run.schedule) &&
           !run.schedule.owner_before(known.schedule);
  };
  const auto found = std::find_if(recordings_.begin(), recordings_.end(), same);
  return found == recordings_.end() ? nullptr : &*found;
}

void CudaDevice::record(Recording& recording, const std::function<void()>& queue) {
  driver_.check(driver_.cuStreamBeginCapture_v2(stream_, cuda::CaptureMode::thread_local_only),
                "begin to record a run");
  cuda::Graph graph = nullptr;
  try {
    queue();
  } catch (...) {
    driver_.cuStreamEndCapture(stream_, &graph);
    if (graph != nullptr) driver_.cuGraphDestroy(graph);
    throw;
  }
  driver_.check(driver_.cuStreamEndCapture(stream_, &graph), "record a run");
  const cuda::Result made = driver_.cuGraphInstantiateWithFlags(&recording.graph, graph, 0);
  driver_.cuGraphDestroy(graph);
  driver_.check(made, "make a recorded run ready");
}

void CudaDevice::forget_recordings() {
  for (const Recording& recording : recordings_) {
    if (recording.graph != nullptr) driver_.cuGraphExecDestroy(recording.graph);
  }
  recordings_.clear();
}

cuda::Module CudaDevice::module(const char* name) {
  const auto known = modules_.find(name);
  if (known != modules_.end()) return known->second;
  const std::vector<char> image = read_image(folder_ + "/" + name + ".fatbin");
  cuda::Module loaded = nullptr;
  const std::string what = std::string("load the kernels of ") + name;
  driver_.check(driver_.cuModuleLoadData(&loaded, image.data()), what.c_str());
  return modules_.emplace(name, loaded).first->second;
}

CudaDevice::KernelFunction& CudaDevice::function(const char* module_name, const std::string& kernel) {
  const std::string key = std::string(module_name) + "/" + kernel;
  const auto known = functions_.find(key);
  if (known != functions_.end()) return known->second;
  KernelFunction found;
  const std::string what = "find the kernel " + kernel + " of " + module_name;
  driver_.check(driver_.cuModuleGetFunction(&found.function, module(module_name), kernel.c_str()),
                what.c_str());
  return functions_.emplace(key, found).first->second;
}

std::string CudaDevice::products() const { return cublaslt_ ? cublaslt_->description() : Device::products(); }

bool CudaDevice::can_multiply(const cuda::BlasProduct& product) {
  if (!cublaslt_) return false;
  const std::scoped_lock lock(mutex_);
  enter();
  return cublaslt_->has_algorithm(product);
}

void CudaDevice::multiply(const cuda::BlasProduct& product) {
  const std::scoped_lock lock(mutex_);
  enter();
  cublaslt_.value().multiply(product, stream_);
}

void CudaDevice::launch_with(const char* module_name, const std::string& kernel, const CudaGrid& grid,
                             void* arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  const std::scoped_lock lock(mutex_);
  enter();
  KernelFunction& called = function(module_name, kernel);
  if (grid.shared_bytes > called.shared_bytes) {
    driver_.check(driver_.cuFuncSetAttribute(called.function, cuda::FunctionAttribute::dynamic_shared_memory,
                                             grid.shared_bytes),
                  "give a kernel its shared memory");
    called.shared_bytes = grid.shared_bytes;
  }
  void* parameters[] = {arguments};
  const std::string what = "launch the kernel " + kernel;
  driver_.check(
      driver_.cuLaunchKernel(called.function, static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y),
                             static_cast<unsigned>(grid.z), static_cast<unsigned>(grid.threads), 1, 1,
                             static_cast<unsigned>(grid.shared_bytes), stream_, parameters, nullptr),
      what.c_str());
}

}  // namespace attune
