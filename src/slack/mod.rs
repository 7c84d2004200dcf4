//! Slack: signature, events, commands, interactions, Web API client, Block Kit, mrkdwn.
