package newsletter

import (
	"crypto/hmac"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// Stamp says, signed, when something was made for the use that is named, such as a
// form: to the second.
func (k *Keyring) Stamp(use string, at time.Time) string {
	text := strconv.FormatInt(at.Unix(), 36)
	return text + "." + base64.RawURLEncoding.EncodeToString(k.mac(1, "stamp", use, text))
}

// ReadStamp returns when a stamp was made; false: it is no stamp of ours for that use.
func (k *Keyring) ReadStamp(use, stamp string) (time.Time, bool) {
	text, signature, _ := strings.Cut(stamp, ".")
	mac, err := decode(base64.RawURLEncoding, signature)
	if err != nil || len(text) > 12 || !hmac.Equal(mac, k.mac(1, "stamp", use, text)) {
		return time.Time{}, false
	}
	seconds, err := strconv.ParseInt(text, 36, 64)
	return time.Unix(seconds, 0), err == nil
}
