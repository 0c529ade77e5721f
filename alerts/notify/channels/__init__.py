"""The ways out: chat and mail, webhooks, an Alertmanager."""
