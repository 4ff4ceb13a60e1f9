#include "core/thread_pool.h"

#include <chrono>

namespace attune {
namespace {

constexpr std::uint32_t kOpen = 1U << 31;

/// Kernels follow one another within microseconds and a wake-up costs about 50 us, so that long is
/// spent on watching before a thread sleeps.
constexpr std::chrono::microseconds kWatch{50};

/// Between looks at the clock.
constexpr int kPauses = 32;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Waits until `value` is another than `old`; watches for a while, then sleeps.
std::uint32_t wait_while(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  const auto until = std::chrono::steady_clock::now() + kWatch;
  do {
    for (int i = 0; i < kPauses; ++i) {
      const std::uint32_t now = value.load(std::memory_order_acquire);
      if (now != old) return now;
      relax();
    }
  } while (std::chrono::steady_clock::now() < until);
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  for (int thread = 1; thread < threads; ++thread) {
    workers_.emplace_back([this, thread] { work(thread); });
  }
}

ThreadPool::~ThreadPool() {
  stop_ = true;
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::take_tasks(int thread) {
  for (;;) {
    const std::int64_t task = next_.fetch_add(1, std::memory_order_relaxed);
    if (task >= tasks_) return;
    try {
      invoke_(body_, task, thread);
    } catch (...) {
      const std::scoped_lock lock(failure_mutex_);
      if (!failure_) failure_ = std::current_exception();
      next_ = tasks_;
      return;
    }
  }
}

void ThreadPool::run_erased(std::int64_t tasks, const void* body, Invoke invoke) {
  if (tasks <= 0) return;
  // Nobody is inside: the last job ended with that.
  tasks_ = tasks;
  body_ = body;
  invoke_ = invoke;
  failure_ = nullptr;
  next_.store(0, std::memory_order_relaxed);
  if (workers_.empty() || tasks == 1) {
    take_tasks(0);
  } else {
    inside_.store(kOpen, std::memory_order_release);
    generation_.fetch_add(1, std::memory_order_release);
    generation_.notify_all();
    take_tasks(0);
    std::uint32_t inside = inside_.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
    while (inside != 0) inside = wait_while(inside_, inside);
  }
  if (failure_) std::rethrow_exception(failure_);
}

bool ThreadPool::enter() noexcept {
  std::uint32_t inside = inside_.load(std::memory_order_relaxed);
  while ((inside & kOpen) != 0) {
    if (inside_.compare_exchange_weak(inside, inside + 1, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

void ThreadPool::leave() noexcept {
  // Whoever closed the door waits for the last one out.
  if (inside_.fetch_sub(1, std::memory_order_release) == 1) inside_.notify_one();
}

void ThreadPool::work(int thread) {
  for (std::uint32_t seen = 0;;) {
    seen = wait_while(generation_, seen);
    if (stop_) return;
    if (!enter()) continue;
    take_tasks(thread);
    leave();
  }
}

}  // namespace attune
