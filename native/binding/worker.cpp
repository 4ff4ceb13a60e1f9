#include "binding/worker.h"

#include <exception>
#include <new>

namespace attune::binding {

Worker::Worker(Napi::Env env, std::function<void(bool)> set_cancel)
    : set_cancel_(std::move(set_cancel)),
      settle_(Napi::ThreadSafeFunction::New(env, Napi::Function::New(env, [](const Napi::CallbackInfo&) {}),
                                            "attune", 0, 1)),
      thread_([this] { loop(); }) {
  settle_.Unref(env);
}

Worker::~Worker() { stop(); }

void Worker::enqueue(std::unique_ptr<Job> job) {
  if (stopped_) {
    const Napi::Env env = job->deferred.Env();
    job->deferred.Reject(
        to_js_error(env, Error("disposed", "session", "The model was disposed of; load it again.")));
    return;
  }
  if (pending_++ == 0) settle_.Ref(job->deferred.Env());
  {
    const std::scoped_lock lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void Worker::loop() {
  for (;;) {
    std::unique_ptr<Job> job;
    {
      std::unique_lock lock(mutex_);
      running_ = false;
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
      running_ = true;
      set_cancel_(false);
    }
    perform(*job);
    auto* raw = job.release();
    const napi_status status =
        settle_.BlockingCall(raw, [this, alive = alive_](Napi::Env env, Napi::Function, Job* done) {
          std::unique_ptr<Job> owned(done);
          if (env == nullptr) return;  // the environment is gone, and with it the promise
          if (*alive) {
            settle(env, std::move(owned));
          } else if (owned->failure) {
            owned->deferred.Reject(to_js_error(env, *owned->failure));
          } else {
            owned->deferred.Resolve(owned->convert(env));
          }
        });
    if (status != napi_ok) const std::unique_ptr<Job> owned(raw);
  }
}

void Worker::perform(Job& job) {
  if (job.cancelled) {
    job.failure.emplace("aborted", "session", "The run was cancelled before it began.");
    return;
  }
  try {
    job.work();
  } catch (const Error& error) {
    job.failure.emplace(error);
  } catch (const std::bad_alloc&) {
    job.failure.emplace("out-of-memory", "session", "The system has no memory left for this run.");
  } catch (const std::exception& error) {
    job.failure.emplace("internal", "session", error.what());
  }
}

void Worker::settle(Napi::Env env, std::unique_ptr<Job> job) {
  if (--pending_ == 0) settle_.Unref(env);
  if (job->failure) {
    job->deferred.Reject(to_js_error(env, *job->failure));
  } else {
    job->deferred.Resolve(job->convert(env));
  }
}

void Worker::cancel() {
  const std::scoped_lock lock(mutex_);
  for (const auto& job : jobs_) job->cancelled = true;
  if (running_) set_cancel_(true);
}

void Worker::stop() {
  if (stopped_) return;
  stopped_ = true;
  cancel();
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  *alive_ = false;  // what is still to be settled must not touch this object
  settle_.Release();
}

}  // namespace attune::binding
