//! A fake Sentry and a fake Slack.
