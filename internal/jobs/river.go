package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

// siteQueue is the queue of jobs that need the site's folder.
const siteQueue = "site"

const (
	taskTimeout = time.Hour        // the first listing of a very large folder
	taskKept    = 24 * time.Hour   // rows of jobs that are over, for whoever wonders
	taskWorkers = 4                // of a kind at once in a process
	taskPoll    = 5 * time.Second  // where nobody tells of new jobs
	taskStop    = 10 * time.Second // for jobs to notice that they are to stop
)

// taskQueue is the job queue, on either engine.
type taskQueue struct {
	lease  time.Duration // how long a claim lasts
	insert func(context.Context, river.JobArgs, *river.InsertOpts) (*rivertype.JobInsertResult, error)
	close  func()
}

// startTasks brings River's tables up to date and starts to do the jobs.
func (s *Service) startTasks(ctx context.Context, t *tasks) (*taskQueue, error) {
	if pool := s.store.Pool(); pool != nil {
		return startRiver(ctx, riverpgxv5.New(pool), s, t, func() error { return nil })
	}
	db, err := s.store.OpenQueue()
	if err != nil {
		return nil, err
	}
	q, err := startRiver(ctx, loneSQLite{riversqlite.New(db)}, s, t, db.Close)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return q, nil
}

// loneSQLite is River on a SQLite file, on which one process does jobs: told of no
// listener, River does not look for news many times a second, but tells itself.
type loneSQLite struct{ *riversqlite.Driver }

// SupportsListener implements riverdriver.Driver.
func (loneSQLite) SupportsListener() bool { return false }

func startRiver[T any](ctx context.Context, driver riverdriver.Driver[T], s *Service, t *tasks, release func() error) (*taskQueue, error) {
	log := slog.New(warnings{s.log.Handler()})
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: log})
	if err != nil {
		return nil, err
	}
	err = s.store.Alone(ctx, func() error {
		_, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the job queue: %w", err)
	}
	queues := map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: taskWorkers}, hubQueue: {MaxWorkers: taskWorkers}}
	if s.hasSite() {
		queues[siteQueue] = river.QueueConfig{MaxWorkers: taskWorkers}
	}
	client, err := river.NewClient(driver, &river.Config{
		ID:                          s.workerName(),
		Queues:                      queues,
		Workers:                     t.workers(),
		Logger:                      log,
		ErrorHandler:                &taskErrors{s},
		MaxAttempts:                 1, // the conductor asks again
		JobTimeout:                  taskTimeout,
		RescueStuckJobsAfter:        taskTimeout + time.Minute,
		CancelledJobRetentionPeriod: taskKept,
		DiscardedJobRetentionPeriod: taskKept,
		FetchCooldown:               10 * time.Millisecond,
		FetchPollInterval:           taskPoll,
		PollOnly:                    s.store.Pool() == nil,
	})
	if err != nil {
		return nil, fmt.Errorf("starting the job queue: %w", err)
	}
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, fmt.Errorf("starting the job queue: %w", err)
	}
	stop := func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), taskStop)
		defer cancel()
		// What is cut short is taken up by whoever comes next.
		if err := errors.Join(client.StopAndCancel(grace), release()); err != nil {
			s.log.Warn("job queue not stopped in good order", "error", err)
		}
	}
	return &taskQueue{lease: s.o.Delivery.Lease, insert: client.Insert, close: stop}, nil
}

// hasSite reports whether this node has the folders that articles come from. On
// PostgreSQL another node may have them; where there is one node, a missing
// folder is to be heard of.
func (s *Service) hasSite() bool {
	if s.store.Pool() == nil || len(s.o.Watch) == 0 {
		return true
	}
	for _, folder := range s.o.Watch {
		if _, err := os.Stat(folder); err == nil {
			return true
		}
	}
	return false
}

// ask asks for a job; false: it waits to be done. died: whoever took it was gone
// before it made its claim, and the queue would keep it for an hour.
func (q *taskQueue) ask(ctx context.Context, j job) (asked, died bool, err error) {
	r, err := q.insert(ctx, j, &river.InsertOpts{UniqueOpts: river.UniqueOpts{
		ByArgs: true,
		ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
			rivertype.JobStateRunning, rivertype.JobStateScheduled,
		},
	}})
	if err != nil {
		return false, false, fmt.Errorf("asking for the job %s: %w", j.name(), err)
	}
	if !r.UniqueSkippedAsDuplicate {
		return true, false, nil
	}
	begun := r.Job.AttemptedAt
	return false, r.Job.State == rivertype.JobStateRunning && begun != nil && time.Since(*begun) > q.lease, nil
}

// taskErrors logs what the jobs themselves do not, see tasks.do.
type taskErrors struct{ *Service }

// HandleError implements river.ErrorHandler.
func (t *taskErrors) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	if ctx.Err() == nil { // else it was told to stop
		t.log.Error("job failed", "job", job.Kind, "error", err)
	}
	return nil
}

// HandlePanic implements river.ErrorHandler.
func (t *taskErrors) HandlePanic(_ context.Context, job *rivertype.JobRow, value any, trace string) *river.ErrorHandlerResult {
	t.log.Error("job panicked", "job", job.Kind, "panic", value, "trace", trace)
	return nil
}

// warnings passes on what River logs from warnings upwards.
type warnings struct{ slog.Handler }

// Enabled implements slog.Handler.
func (h warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}

// WithAttrs implements slog.Handler.
func (h warnings) WithAttrs(a []slog.Attr) slog.Handler { return warnings{h.Handler.WithAttrs(a)} }

// WithGroup implements slog.Handler.
func (h warnings) WithGroup(name string) slog.Handler { return warnings{h.Handler.WithGroup(name)} }
