package main

import (
	"context"

	"syndicate/internal/config"
	"syndicate/internal/fetch"
	"syndicate/internal/web"
)

// hooks translates what calls of sending services are verified by.
func hooks(cfg *config.Config) web.HookOptions {
	var o web.HookOptions
	w := cfg.Bounces.Webhooks
	if w.SES != nil {
		// Nothing of Amazon's that is wanted has more than some kilobytes.
		client := fetch.New(fetch.Options{Agent: agent(cfg), Redirects: -1, Limit: 64 << 10})
		o.SESTopic = w.SES.Topic
		o.Fetch = func(ctx context.Context, url string) ([]byte, error) {
			r, err := client.Get(ctx, url, fetch.Validators{})
			if err != nil {
				return nil, err
			}
			return r.Body, nil
		}
	}
	if w.SendGrid != nil {
		o.SendGridKey = w.SendGrid.PublicKey
	}
	if w.Postmark != nil {
		o.PostmarkUser, o.PostmarkPassword = w.Postmark.User, w.Postmark.Password.Reveal()
	}
	if w.Mailgun != nil {
		o.MailgunKey = w.Mailgun.SigningKey.Reveal()
	}
	return o
}
