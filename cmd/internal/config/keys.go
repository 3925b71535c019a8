package config

import (
	"errors"
	"fmt"
	"os"

	"entente/policy"
)

// checkKeys looks at the files of keys that agreements.keys names. What is wrong in
// one is told by its own lines.
func checkKeys(c *Config, d *doc) {
	for i, name := range c.Agreements.Keys {
		var m policy.Mistakes
		switch err := c.addKeys(policy.Trust{}, name); {
		case errors.As(err, &m):
			d.mistakes = append(d.mistakes, m...)
		case err != nil:
			d.add(fmt.Sprintf("agreements.keys[%d]", i), "entente agreement keygen makes one", "agreements.keys: %v", err)
		}
	}
}

// Trust has the keys that agreements.keys pins.
func (c *Config) Trust() (policy.Trust, error) {
	trust := policy.Trust{}
	for _, name := range c.Agreements.Keys {
		if err := c.addKeys(trust, name); err != nil {
			return nil, fmt.Errorf("agreements.keys: %w", err)
		}
	}
	return trust, nil
}

func (c *Config) addKeys(trust policy.Trust, name string) error {
	text, err := os.ReadFile(c.Path(name))
	if err != nil {
		return err
	}
	return trust.AddKeys(c.Path(name), text)
}
