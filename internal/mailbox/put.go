package mailbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// marks are the flags of a message that was taken, where it stays; the first tells it
// from others.
func (r *Reader) marks() []imap.Flag {
	if r.keyword {
		return []imap.Flag{taken, imap.FlagSeen}
	}
	return []imap.Flag{imap.FlagSeen}
}

// putAway puts away messages that were taken.
func (r *Reader) putAway(ctx context.Context, uids []imap.UID) error {
	if len(uids) == 0 {
		return nil
	}
	client, caps, set := r.client, r.caps, imap.UIDSetNum(uids...)
	what, do := "marking messages", func() error { return flag(client, set, r.marks()...) }
	switch r.a.Processed {
	case ProcessedSeen:
	case ProcessedDelete:
		what, do = "deleting messages", func() error { return remove(client, caps, set) }
	default:
		what, do = fmt.Sprintf("moving messages to the folder %q", r.a.Processed), func() error { return move(client, caps, set, r.a.Processed) }
	}
	// The answer may have a line for each message.
	if err := ask(ctx, r.conn, r.a.Timeouts.Command, maxAnswer, do); err != nil {
		return r.fail(what, "processed", err)
	}
	return nil
}

// putAwayLast puts away what was taken before the end; what could not be comes once more.
func (r *Reader) putAwayLast(ctx context.Context, uids []imap.UID) {
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxLeaving)
	defer cancel()
	_ = r.putAway(grace, uids)
}

// flag marks messages.
func flag(client *imapclient.Client, set imap.UIDSet, flags ...imap.Flag) error {
	return client.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: flags}, nil).Close()
}

// remove deletes messages: for good where just these can be named (RFC 4315); else they
// stay, marked as deleted, until somebody empties the folder of such.
func remove(client *imapclient.Client, caps imap.CapSet, set imap.UIDSet) error {
	if err := flag(client, set, imap.FlagDeleted); err != nil || !caps.Has(imap.CapUIDPlus) {
		return err
	}
	return client.UIDExpunge(set).Close()
}

// move moves messages to a folder, which is made if it is not there.
func move(client *imapclient.Client, caps imap.CapSet, set imap.UIDSet, folder string) error {
	err := moveTo(client, caps, set, folder)
	var said *imap.Error
	if errors.As(err, &said) && (said.Code == imap.ResponseCodeTryCreate || said.Code == imap.ResponseCodeNonExistent) {
		if err := client.Create(folder, nil).Wait(); err != nil {
			return err
		}
		return moveTo(client, caps, set, folder)
	}
	return err
}

// moveTo moves messages to a folder that is there. The library's own way without MOVE
// (RFC 6851) deletes before it knows that the copy succeeded.
func moveTo(client *imapclient.Client, caps imap.CapSet, set imap.UIDSet, folder string) error {
	if caps.Has(imap.CapMove) {
		_, err := client.Move(set, folder).Wait()
		return err
	}
	if _, err := client.Copy(set, folder).Wait(); err != nil {
		return err
	}
	return remove(client, caps, set)
}
