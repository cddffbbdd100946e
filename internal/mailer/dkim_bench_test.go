package mailer_test

import (
	"bytes"
	"crypto"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"syndicate/internal/mailer"
)

// BenchmarkSign splices and signs one recipient's copy of a message of 38 KB.
func BenchmarkSign(b *testing.B) {
	for _, tt := range []struct {
		name string
		keys []*mailer.Key
	}{
		{"unsigned", nil},
		{"ed25519", keys(b, "ed")},
		{"rsa", keys(b, "rsa")},
		{"both", keys(b, "rsa", "ed")},
	} {
		b.Run(tt.name, func(b *testing.B) {
			c := bigContent()
			c.Signer = mailer.NewSigner(tt.keys...)
			tpl, p := build(b, c), personal()
			buf := tpl.Append(nil, p)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				buf = tpl.Append(buf[:0], p)
			}
		})
	}
}

// BenchmarkSignLibrary does the same with go-msgauth, one signature after the
// other: what BenchmarkSign/both is worth.
func BenchmarkSignLibrary(b *testing.B) {
	tpl, p := build(b, bigContent()), personal()
	buf := tpl.Append(nil, p)
	names := []string{
		"From", "From", "To", "Subject", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
		"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Help", "List-Archive", "Feedback-ID",
	}
	b.ReportAllocs()
	for b.Loop() {
		buf = tpl.Append(buf[:0], p)
		out := append([]byte(nil), buf...)
		for i, private := range []crypto.Signer{edKey(), rsaKey()} {
			var signed bytes.Buffer
			if err := dkim.Sign(&signed, bytes.NewReader(out), &dkim.SignOptions{
				Domain: "example.org", Selector: []string{"ed", "rsa"}[i], Signer: private, HeaderKeys: names,
				HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
			}); err != nil {
				b.Fatal(err)
			}
			out = signed.Bytes()
		}
	}
}

// BenchmarkRSA is the part of a signature that nothing can save.
func BenchmarkRSA(b *testing.B) {
	digest := make([]byte, 32)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rsaKey().Sign(nil, digest, crypto.SHA256); err != nil {
			b.Fatal(err)
		}
	}
}
