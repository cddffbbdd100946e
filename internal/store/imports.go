package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

// ImportState is how far an import is.
type ImportState string

// The states of an import: running → done → undoing → undone. One that was
// interrupted stays running, and the same list goes on with it.
const (
	ImportRunning ImportState = "running"
	ImportDone    ImportState = "done"
	ImportUndoing ImportState = "undoing"
	ImportUndone  ImportState = "undone"
)

// Import is a list that was taken into a newsletter at once.
type Import struct {
	ID         int64
	Newsletter string
	File       string // its name, for people
	Format     string
	Leave      bool   // who left by the list, leaves here
	Hash       string // of the list's bytes
	State      ImportState
	Through    int // the last line that was taken
	Results    map[AddResult]int
	StartedAt  time.Time
	EndedAt    time.Time
	UndoneAt   time.Time
	Removed    int                // subscriptions, by undoing it
	Lifted     int                // suppressions, by undoing it
	Restored   int                // subscriptions that it had ended, by undoing it
	Kept       map[KeptReason]int // what undoing it left
}

// Source is what the subscriptions of the import name as theirs.
func (i *Import) Source() string { return fmt.Sprintf("import %d", i.ID) }

// The results of lines that are imported, besides those of AddSubscriber.
const (
	CreatedPending AddResult = "created_pending"      // waits for its owner to confirm, as it did in an export of ours
	CreatedLeft    AddResult = "created_unsubscribed" // recorded as one who left elsewhere
	CreatedBounced AddResult = "created_suppressed"   // and suppressed, as it is to be
	Differs        AddResult = "differs"              // there already; the list says that it left or bounced: nothing was changed
	OptedOut       AddResult = "opted_out"            // confirmed; the list says that its owner left: nothing was changed
	Leaves         AddResult = "leaves"               // confirmed until now; its owner left by the list
	SignedUpSince  AddResult = "signed_up_since"      // its owner left by the list, and signed up here later
	Double         AddResult = "double"               // on an earlier line of the list
	WasRemoved     AddResult = "removed"              // by an operator
	WasChanged     AddResult = "changed"              // by its owner: another address
	WasErased      AddResult = "erased"               // by its owner
	WasLeft        AddResult = "left"                 // by its owner, so long ago that nothing else is known
)

// New reports whether a line makes something.
func (r AddResult) New() bool {
	return r == Created || r == CreatedPending || r == CreatedLeft || r == CreatedBounced
}

// Changes reports whether a line changes something.
func (r AddResult) Changes() bool { return r.New() || r == Leaves }

const importColumns = "id, newsletter, file, format, leaving, hash, state, through, results, started_at, ended_at, undone_at, removed, lifted, restored, kept"

func scanImport(scan func(...any) error) (i Import, err error) {
	var results, kept string
	err = scan(&i.ID, &i.Newsletter, &i.File, &i.Format, &i.Leave, &i.Hash, &i.State, &i.Through, &results, stamp{&i.StartedAt}, stamp{&i.EndedAt}, stamp{&i.UndoneAt},
		&i.Removed, &i.Lifted, &i.Restored, &kept)
	if err != nil {
		return i, err
	}
	return i, errors.Join(fromJSON([]byte(results), &i.Results), fromJSON([]byte(kept), &i.Kept))
}

// JudgeLines says what importing each line would do, and does nothing. leave: who left
// by the list, leaves. It does not know of lines that are there twice.
func (s *Store) JudgeLines(ctx context.Context, name string, leave bool, lines []newsletter.Line) ([]AddResult, error) {
	b := listBatch{q: s.reader(ctx), keys: s.keys, name: name, source: "import", leave: leave}
	if err := b.load(lines); err != nil {
		return nil, s.wrap("look for subscribers of "+name, err)
	}
	results := make([]AddResult, len(lines))
	for i, l := range lines {
		results[i] = b.judgeImport(l)
	}
	return results, nil
}

// BeginImport gives an import its number. The list of one that was interrupted goes
// on with that one (Through says how far it is), unless it is to do something else.
func (s *Store) BeginImport(ctx context.Context, i Import, now time.Time) (out Import, err error) {
	err = s.write(ctx, "begin an import", func(x *tx) error {
		out, err = one(x, scanImport, "SELECT "+importColumns+" FROM imports WHERE newsletter = $1 AND hash = $2 AND format = $3 AND leaving = $4 AND state = 'running' ORDER BY id LIMIT 1",
			i.Newsletter, i.Hash, i.Format, btoi(i.Leave))
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		if _, err := x.exec("UPDATE imports SET state = 'done', ended_at = $3 WHERE newsletter = $1 AND hash = $2 AND state = 'running'", i.Newsletter, i.Hash, ms(now)); err != nil {
			return err
		}
		out, err = one(x, scanImport, `INSERT INTO imports (newsletter, file, format, leaving, hash, state, through, results, started_at, ended_at, undone_at, removed, lifted, kept)
			VALUES ($1, $2, $3, $6, $4, 'running', 0, '{}', $5, 0, 0, 0, 0, '{}') RETURNING `+importColumns, i.Newsletter, i.File, i.Format, i.Hash, ms(now), btoi(i.Leave))
		return err
	})
	return out, err
}

// ImportLines takes lines of an import in, some thousand at most, and notes in the
// same transaction that it is through with the list up to a line. ErrStale: another
// process works on the import, or undid it.
func (s *Store) ImportLines(ctx context.Context, i *Import, lines []newsletter.Line, through int, now time.Time) (results []AddResult, err error) {
	var counts map[AddResult]int
	err = s.write(ctx, "import subscribers to "+i.Newsletter, func(x *tx) error {
		b := x.listBatch(i.Newsletter, i.Source(), now)
		b.leave = i.Leave
		if results, err = b.addImport(lines); err != nil {
			return err
		}
		if counts = maps.Clone(i.Results); counts == nil {
			counts = map[AddResult]int{}
		}
		for _, r := range results {
			counts[r]++
		}
		n, err := x.exec("UPDATE imports SET through = $3, results = $4 WHERE id = $1 AND state = 'running' AND through = $2", i.ID, i.Through, through, jsonArg(counts))
		if err == nil && n == 0 {
			err = fmt.Errorf("import %d is no longer where it was: %w", i.ID, ErrStale)
		}
		return err
	})
	if err == nil {
		i.Results, i.Through = counts, through
	}
	return results, err
}

// EndImport notes that the whole list was taken.
func (s *Store) EndImport(ctx context.Context, i *Import, now time.Time) error {
	return s.write(ctx, "end an import", func(x *tx) error {
		n, err := x.exec("UPDATE imports SET state = 'done', ended_at = $2 WHERE id = $1 AND state = 'running'", i.ID, ms(now))
		if err == nil && n == 0 {
			err = fmt.Errorf("import %d is no longer where it was: %w", i.ID, ErrStale)
		}
		return err
	})
}

// EndImports ends imports of a list that were interrupted after its last line.
func (s *Store) EndImports(ctx context.Context, name, hash string, now time.Time) error {
	return s.write(ctx, "end an import", func(x *tx) error {
		_, err := x.exec("UPDATE imports SET state = 'done', ended_at = $3 WHERE newsletter = $1 AND hash = $2 AND state = 'running'", name, hash, ms(now))
		return err
	})
}

// Imports returns imports, latest first; limit 0: all.
func (s *Store) Imports(ctx context.Context, limit int) ([]Import, error) {
	all, err := list(s.reader(ctx), scanImport, "SELECT "+importColumns+" FROM imports ORDER BY id DESC LIMIT $1", limitOr(limit))
	return all, s.wrap("read imports", err)
}

// Import returns an import by its number; ErrNotFound.
func (s *Store) Import(ctx context.Context, id int64) (Import, error) {
	i, err := one(s.reader(ctx), scanImport, "SELECT "+importColumns+" FROM imports WHERE id = $1", id)
	return i, s.wrap(fmt.Sprintf("look for import %d", id), err)
}

// judgeImport says what importing a line would do. Nobody is brought back, and
// nothing is changed for who is there, unless they left by the list and that counts.
func (b *listBatch) judgeImport(l newsletter.Line) AddResult {
	h := b.hash(l)
	k, held := b.known[h], b.suppressed[h]
	gone := l.State == newsletter.SubscriptionUnsubscribed || l.Suppressed != ""
	switch {
	case k != nil && k.state != "" && (k.source == b.source || k.leftBy == b.source):
		return Double
	case k != nil && k.state == string(newsletter.SubscriptionUnsubscribed):
		if gone {
			return Exists
		}
		return Unsubscribed
	case k != nil && k.state == string(newsletter.SubscriptionConfirmed) && l.State == newsletter.SubscriptionUnsubscribed:
		return b.judgeLeaving(k, l) // suppressed or not: that may be lifted
	case k != nil && k.state != "" && held != "":
		if gone {
			return Exists
		}
		return Suppressed
	case k != nil && k.state != "" && gone:
		return Differs
	case k != nil && k.state != "":
		return Exists
	}
	switch cause := b.tombs[h]; {
	case cause != "":
		return AddResult(cause)
	case l.Suppressed != "" && (held == newsletter.CauseBounce || held == newsletter.CauseComplaint):
		return CreatedBounced // of an export of ours, for its second newsletter
	case held != "":
		return Suppressed
	case l.Suppressed != "" && k != nil:
		return Differs // another newsletter reaches it
	case l.Suppressed != "":
		return CreatedBounced
	case l.State == newsletter.SubscriptionUnsubscribed:
		return CreatedLeft
	case l.State == newsletter.SubscriptionPending:
		return CreatedPending
	}
	return Created
}

// judgeLeaving says what becomes of a confirmed subscription whose owner left by the list:
// one that they agreed to here since, by themselves, stays.
func (b *listBatch) judgeLeaving(k *listed, l newsletter.Line) AddResult {
	switch own := k.source == "form" || k.source == "embed"; {
	case own && !l.LeftAt.IsZero() && l.LeftAt.Before(k.consentAt):
		return SignedUpSince
	case b.leave:
		return Leaves
	}
	return OptedOut
}

// addImport takes in whom judgeImport lets in, and ends what judgeLeaving says.
func (b *listBatch) addImport(lines []newsletter.Line) (results []AddResult, err error) {
	if err := b.load(lines); err != nil {
		return nil, err
	}
	var fresh []newsletter.Line
	var held []any
	var leaving, again []int64
	seen := map[string]bool{}
	for _, l := range lines {
		h, result := b.hash(l), b.judgeImport(l)
		switch {
		case seen[h]:
			result = Double
		case result == Leaves:
			leaving = append(leaving, b.known[h].id)
		case result == Exists && b.leave && l.State == newsletter.SubscriptionUnsubscribed && isImport(b.known[h].leftBy):
			again = append(again, b.known[h].id)
		case result.New():
			fresh = append(fresh, l)
			if result == CreatedBounced && b.suppressed[h] == "" {
				held = append(held, h, string(l.Suppressed), 0, b.source, ms(b.now), 0)
			}
		}
		seen[h] = true
		results = append(results, result)
	}
	// Nobody else's subscriptions hang on these: who has any is not suppressed here.
	if _, err := b.x.insert("INSERT INTO suppressions (hash, cause, issue, note, at, held)", "ON CONFLICT (hash) DO NOTHING", 6, held); err != nil {
		return nil, err
	}
	if err := b.endAll(leaving); err != nil {
		return nil, err
	}
	if err := b.leaveAgain(again); err != nil {
		return nil, err
	}
	return results, b.create(fresh)
}

// endAll ends confirmed subscriptions, and cancels what is pending for them.
func (b *listBatch) endAll(subscribers []int64) error {
	if len(subscribers) == 0 {
		return nil
	}
	slices.Sort(subscribers)
	_, err := b.x.exec(`UPDATE subscriptions SET state = 'unsubscribed', left_at = $3, left_by = $4, updated_at = $3
		WHERE newsletter = $1 AND subscriber {{in ints $2}} AND state = 'confirmed'`, b.name, jsonArg(subscribers), ms(b.now), b.source)
	if err != nil {
		return err
	}
	return b.x.cancelPendingOf(subscribers, b.name)
}

// leaveAgain notes that whom an earlier import made one who left, left by this list, too:
// undoing that one does not bring them back.
func (b *listBatch) leaveAgain(subscribers []int64) error {
	if len(subscribers) == 0 {
		return nil
	}
	slices.Sort(subscribers)
	_, err := b.x.exec(`UPDATE subscriptions SET left_by = $4, updated_at = $3
		WHERE newsletter = $1 AND subscriber {{in ints $2}} AND state = 'unsubscribed' AND left_by LIKE 'import %'`, b.name, jsonArg(subscribers), ms(b.now), b.source)
	return err
}

// isImport reports whether an import is where something came from.
func isImport(source string) bool { return strings.HasPrefix(source, "import ") }

// encodeKept writes what undoing an import left.
func encodeKept(kept map[KeptReason]int) (string, error) {
	b, err := json.Marshal(kept)
	return string(b), err
}
