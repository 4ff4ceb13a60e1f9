#pragma once

#include <napi.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "binding/environment.h"

namespace attune::binding {

/// The engine thread of one session. Jobs run in order, off JavaScript's thread; each settles a promise. The
/// event loop stays alive while jobs wait, and no longer.
class Worker {
 public:
  /// `set_cancel(true)` asks the job in progress to stop, `set_cancel(false)` comes before each job.
  Worker(Napi::Env env, std::function<void(bool)> set_cancel);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// `work()` runs on the engine thread, `convert(env, result)` on JavaScript's.
  template <class Work, class Convert>
  Napi::Promise post(Napi::Env env, Work work, Convert convert) {
    using Result = decltype(work());
    auto job = std::make_unique<Job>(env);
    const Napi::Promise promise = job->deferred.Promise();
    auto result = std::make_shared<std::optional<Result>>();
    job->work = [result, work = std::move(work)]() mutable { result->emplace(work()); };
    job->convert = [result, convert = std::move(convert)](Napi::Env e) {
      return convert(e, std::move(**result));
    };
    enqueue(std::move(job));
    return promise;
  }

  /// The job in progress and those that wait reject with `aborted`.
  void cancel();
  /// Cancels, waits for the thread, refuses later jobs with `disposed`. Idempotent.
  void stop();

 private:
  struct Job {
    explicit Job(Napi::Env env) : deferred(env) {}
    Napi::Promise::Deferred deferred;
    std::function<void()> work;
    std::function<Napi::Value(Napi::Env)> convert;
    std::optional<Error> failure;
    bool cancelled = false;
  };

  void enqueue(std::unique_ptr<Job> job);
  void loop();
  static void perform(Job& job);
  void settle(Napi::Env env, std::unique_ptr<Job> job);

  std::function<void(bool)> set_cancel_;
  Napi::ThreadSafeFunction settle_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Job>> jobs_;
  bool running_ = false;
  bool stopping_ = false;
  bool stopped_ = false;                                        // JavaScript's thread only
  std::size_t pending_ = 0;                                     // JavaScript's thread only
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // JavaScript's thread only
  std::thread thread_;
};

}  // namespace attune::binding
