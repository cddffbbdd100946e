package jobs

import (
	"context"
	"errors"
)

// Preview composes the next issue of a newsletter without writing anything.
func (s *Service) Preview(ctx context.Context, name string) (Preview, error) {
	return Preview{}, errors.ErrUnsupported
}
