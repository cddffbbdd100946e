package jobs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"

	"syndicate/internal/newsletter"
	"syndicate/internal/source"
)

// The discrete jobs. Each is safe to be done twice, at once or after a crash:
// what decides is in the rows that it writes, not in the queue. So a job that is
// lost costs a moment, until the conductor's next turn asks for it again. That
// only one worker at a time does it is for economy; see Service.alone.

// job is a discrete job to be asked for. The queue tries it once; the conductor
// asks again, with another fence.
type job interface {
	river.JobArgs
	name() string       // of this one among all, as in store.Claims
	at(fence int64) job // as it is to be asked for
}

// ingestJob takes in the subscribers' lists and what is new from every source.
type ingestJob struct {
	Fence int64 `json:"fence"`
}

// composeJob composes an occurrence of a newsletter.
type composeJob struct {
	Newsletter string `json:"newsletter"`
	Local      string `json:"local"`
	Rehearsal  bool   `json:"rehearsal"`
	Fence      int64  `json:"fence"`
}

// sealJob completes the audience of an issue.
type sealJob struct {
	Issue int64 `json:"issue"`
	Fence int64 `json:"fence"`
}

func (ingestJob) name() string { return "ingest" }

func (j composeJob) name() string {
	name := "compose " + j.Newsletter + " " + j.Local
	if j.Rehearsal {
		name += " rehearsal"
	}
	return name
}

func (j sealJob) name() string { return "seal " + strconv.FormatInt(j.Issue, 10) }

func (ingestJob) at(fence int64) job { return ingestJob{fence} }

func (j composeJob) at(fence int64) job {
	j.Fence = fence
	return j
}

func (j sealJob) at(fence int64) job {
	j.Fence = fence
	return j
}

// Kind implements river.JobArgs.
func (ingestJob) Kind() string { return "ingest" }

// Kind implements river.JobArgs.
func (composeJob) Kind() string { return "compose" }

// Kind implements river.JobArgs.
func (sealJob) Kind() string { return "seal" }

// InsertOpts sends jobs that need the site's folder to the nodes that have it.
func (ingestJob) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: siteQueue} }

// InsertOpts does so too: composing reads templates, introductions and lists.
func (composeJob) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: siteQueue} }

// tasks does the discrete jobs of one daemon.
type tasks struct {
	*Service
	callers *callers
	started time.Time // occurrences before it are missed ones

	taking sync.Mutex  // one listing at a time
	failed atomic.Bool // the last one left something out that could not be read

	telling sync.Mutex
	said    map[string]string // see differs
	failing map[string]string // jobs by name, and what they failed of last
}

// workers registers every kind of job: River discards those it does not know.
func (t *tasks) workers() *river.Workers {
	w := river.NewWorkers()
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[ingestJob]) error {
		return t.do(ctx, j.Args, j.Args.Fence, t.takeIn)
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[composeJob]) error {
		return t.do(ctx, j.Args, j.Args.Fence, func(ctx context.Context) error { return t.composeDue(ctx, j.Args) })
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[sealJob]) error {
		return t.do(ctx, j.Args, j.Args.Fence, func(ctx context.Context) error { return t.sealIssue(ctx, j.Args.Issue) })
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[pingJob]) error {
		return t.do(ctx, j.Args, j.Args.Fence, func(ctx context.Context) error { return t.ping(ctx, t.callers) })
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[verifyJob]) error {
		return t.do(ctx, j.Args, j.Args.Fence, t.verify)
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[pushJob]) error {
		return t.do(ctx, j.Args, j.Args.Fence, t.askHubs)
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[distributeJob]) error {
		return t.do(ctx, j.Args, j.Args.Fence, func(ctx context.Context) error { return t.distribute(ctx, j.Args.Topic) })
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[retentionJob]) error {
		return t.do(ctx, j.Args, j.Args.Fence, t.retainPass)
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[maildirJob]) error {
		return t.do(ctx, j.Args, j.Args.Fence, t.doMaildir)
	}))
	return w
}

// do does a job that was asked for, if nobody else does. For the queue it is over
// then, however it ended: what is to be done again is asked for again.
func (t *tasks) do(ctx context.Context, j job, fence int64, work func(context.Context) error) error {
	err := t.alone(ctx, j.name(), fence, work)
	if errors.Is(err, errBegun) || errors.Is(ctx.Err(), context.Canceled) { // or told to stop
		return nil
	}
	t.tellJob(j.name(), err)
	if err != nil {
		poke(t.look) // the conductor finds out how long it waits
		return river.JobCancel(err)
	}
	return nil
}

// tellJob logs how a job ended: the same failure once, not at each attempt.
func (t *tasks) tellJob(name string, err error) {
	t.telling.Lock()
	defer t.telling.Unlock()
	before := t.failing[name]
	switch {
	case err == nil && before != "":
		t.log.Info("job works again", "job", name)
	case err != nil && err.Error() != before:
		t.log.Error("job failed", "job", name, "error", err)
	}
	if err == nil {
		delete(t.failing, name)
		return
	}
	t.failing[name] = err.Error()
}

// takeIn looks at the articles and lists. A source or a list that cannot be read
// is said, and tried again with the next listing.
func (t *tasks) takeIn(ctx context.Context) error {
	t.taking.Lock()
	defer t.taking.Unlock()
	lists, err := t.SyncLists(ctx, false)
	if err != nil {
		return err
	}
	failed := false
	for _, l := range lists {
		failed = failed || l.Error != ""
		t.logList(l)
	}
	report, err := t.Ingest(ctx, source.WhenDue)
	if err != nil {
		return err
	}
	if err := t.wantPushes(ctx); err != nil {
		return err
	}
	for _, r := range report.Sources {
		failed = failed || r.Error != "" && r.Next.IsZero()
		t.logSource(r)
	}
	t.failed.Store(failed)
	poke(t.look) // the feeds may have changed
	return nil
}

func (t *tasks) logList(l ListReport) {
	log, r := t.log.With("newsletter", l.Newsletter, "file", l.File), l.Result
	switch was, changed := t.differs("list "+l.Newsletter, l.Error); {
	case changed && l.Error != "":
		log.Error("list not synced", "error", l.Error)
	case was != "" && l.Error == "":
		log.Info("list can be read again")
	}
	_, skips := t.differs("lines "+l.Newsletter, fmt.Sprint(l.Skipped, l.Problems))
	if r.Added+r.Changed+r.Refused > 0 || skips && l.Skipped > 0 { // columns are told of below
		log.Info("list synced", "added", r.Added, "changed", r.Changed, "refused", r.Refused, "skipped", l.Skipped)
	}
	for _, p := range l.Problems {
		at := fmt.Sprintf("%s:%d", l.File, p.Line)
		switch {
		case skips && p.Columns:
			t.log.Warn("columns ignored", "newsletter", l.Newsletter, "at", at, "problem", p.Message)
		case skips:
			t.log.Warn("line skipped", "newsletter", l.Newsletter, "at", at, "problem", p.Message)
		}
	}
}

func (t *tasks) logSource(r SourceReport) {
	log := t.log.With("source", r.Source)
	failure := r.Error
	if r.Passing {
		failure += " (passing)" // to be told again when it lasts
	}
	switch was, changed := t.differs("source "+r.Source, failure); {
	case changed && r.Passing:
		log.Warn("source failed", "error", r.Error, "passing", true)
	case changed && r.Error != "":
		log.Error("source failed", "error", r.Error)
	case was != "" && r.Error == "":
		log.Info("source can be read again")
	}
	_, news := t.differs("articles "+r.Source, fmt.Sprint(r.Held, r.Problems))
	if r.Added+r.Changed+r.Moved+r.Unpublished > 0 || news && len(r.Problems)+len(r.Held) > 0 {
		log.Info("articles ingested", "added", r.Added, "changed", r.Changed, "moved", r.Moved,
			"unpublished", r.Unpublished, "problems", len(r.Problems))
	}
	if news && r.Held != "" {
		log.Warn("articles held", "held", r.Held)
	}
	t.logFiles(r.Source, r.AssetErrors)
	for _, p := range r.Passed {
		log.Warn("article passed by", "file", p.File, "newsletter", p.Newsletter, "changed", p.Changed)
	}
	for _, p := range r.Problems {
		if news {
			log.Warn("article problem", filled("problem", p.Error(), "hint", p.Hint)...)
		}
	}
}

// logFiles logs which files beside articles could not be published.
func (t *tasks) logFiles(source string, failed []string) {
	if _, news := t.differs("files "+source, fmt.Sprint(failed)); !news {
		return
	}
	for _, problem := range failed {
		t.log.Warn("file not published", "source", source, "problem", problem)
	}
}

// filled leaves attributes out that are empty.
func filled(pairs ...string) []any {
	var attributes []any
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			attributes = append(attributes, pairs[i], pairs[i+1])
		}
	}
	return attributes
}

// differs remembers what the last listing told of something, so that the log says
// once what stays as it is.
func (t *tasks) differs(about, now string) (was string, changed bool) {
	t.telling.Lock()
	defer t.telling.Unlock()
	was = t.said[about]
	t.said[about] = now
	return was, was != now
}

// composeDue composes what is due of a newsletter, with everything that is in the
// folder by now. A newsletter that cannot be composed (a broken template) is
// tried again: its occurrence is taken only when it ends in an issue or in
// nothing new.
func (t *tasks) composeDue(ctx context.Context, job composeJob) error {
	n, err := t.Newsletter(job.Newsletter)
	if err != nil || job.Rehearsal != t.Rehearsal() { // the configuration changed
		return fmt.Errorf("composing %s: it is not configured any more", job.Newsletter)
	}
	if err := t.takeIn(ctx); err != nil {
		return err
	}
	var r NewsletterReport
	o, due, err := t.dueOf(ctx, n, t.onTime(), &r)
	if err != nil || !due {
		return err
	}
	p, err := t.compose(ctx, n, &o)
	if err != nil {
		return fmt.Errorf("composing %s, due %s: %w", n.Name, o.Local, err)
	}
	if err := t.issueFrom(ctx, p, &o, &r); err != nil {
		return err
	}
	poke(t.look) // an issue may be to be sealed
	return nil
}

// onTime is the instant before which occurrences count as missed.
func (t *tasks) onTime() time.Time {
	if limit := t.now().Add(-onTimeLimit); limit.After(t.started) {
		return limit
	}
	return t.started
}

// sealIssue seals an issue that is wanted still.
func (t *tasks) sealIssue(ctx context.Context, id int64) error {
	if err := t.pauseStale(ctx); err != nil {
		return err
	}
	i, err := t.seal(ctx, id)
	var content *contentError
	if errors.As(err, &content) { // again it would be the same: it is paused
		t.log.Error("sealing failed", "newsletter", i.Newsletter, "issue", i.Number, "error", err)
		return nil
	}
	return err
}

// anySealing reports whether an issue is to be sealed.
func anySealing(issues []newsletter.Issue) bool {
	for _, i := range issues {
		if i.State == newsletter.IssueSealing {
			return true
		}
	}
	return false
}
