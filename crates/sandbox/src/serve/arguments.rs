//! The command line.

use vedette_sandbox::Options;

/// What `--help` says.
pub const USAGE: &str = "\
usage: vedette-sandbox [--port 8788] [--sentry-port 8789] [--app http://127.0.0.1:8787] [--app-public URL]
                       [--redirect-uri URL]… [--retry-delays 0,60000,300000] [--requests-per-second 40] [--seed N]
                       [--with-parent]

  --port, --sentry-port   where Slack (with its page) and Sentry listen on 127.0.0.1; 0 chooses a free port
  --app                   the Worker, as Slack reaches it
  --app-public            the Worker, as browsers reach it (the same, unless said)
  --redirect-uri          one more redirect URI that the Sentry application has registered
  --retry-delays          milliseconds before the first, second and third retry of an event
  --requests-per-second   what Sentry allows each account at each endpoint; a benchmark raises it
  --seed                  the same seed gives the same ids and tokens
  --with-parent           end when standard input closes";

/// What the command line says.
#[derive(Debug)]
pub struct Arguments {
    /// The port of the fake Slack and its page.
    pub port: u16,
    /// The port of the fake Sentry.
    pub sentry_port: u16,
    /// Whether the end of standard input ends the program.
    pub with_parent: bool,
    /// Everything else; the two origins are filled in when the ports are known.
    pub options: Options,
}

impl Arguments {
    /// Reads the command line, without the program's name.
    ///
    /// # Errors
    /// What to tell the person.
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let mut arguments = Arguments { port: 8788, sentry_port: 8789, with_parent: false, options: Options::local() };
        let mut app_public = None;
        let mut words = words;
        while let Some(flag) = words.next() {
            if flag == "--with-parent" {
                arguments.with_parent = true;
                continue;
            }
            if !FLAGS.contains(&flag.as_str()) {
                return Err(format!("Unknown: {flag}.\n{USAGE}"));
            }
            let value = words.next().ok_or_else(|| format!("{flag} needs a value."))?;
            let options = &mut arguments.options;
            match flag.as_str() {
                "--port" => arguments.port = number(&flag, &value)?,
                "--sentry-port" => arguments.sentry_port = number(&flag, &value)?,
                "--seed" => options.random_seed = Some(number(&flag, &value)?),
                "--app" => options.app_url = origin(&flag, &value)?,
                "--app-public" => app_public = Some(origin(&flag, &value)?),
                "--redirect-uri" => options.redirect_uris.push(value),
                "--requests-per-second" => options.sentry_requests_per_second = number(&flag, &value)?,
                _ => options.retry_delays_ms = delays(&value)?,
            }
        }
        arguments.options.app_public_url = app_public.unwrap_or_else(|| arguments.options.app_url.clone());
        Ok(arguments)
    }
}

const FLAGS: [&str; 8] = [
    "--port",
    "--sentry-port",
    "--seed",
    "--app",
    "--app-public",
    "--redirect-uri",
    "--requests-per-second",
    "--retry-delays",
];

fn number<T: std::str::FromStr>(flag: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{flag} needs a number, not {value:?}."))
}

fn origin(flag: &str, value: &str) -> Result<String, String> {
    let url = url::Url::parse(value).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.map(|_| value.trim_end_matches('/').to_owned())
        .ok_or_else(|| format!("{flag} needs an http URL, not {value:?}."))
}

fn delays(value: &str) -> Result<[u64; 3], String> {
    let numbers: Result<Vec<u64>, _> = value.split(',').map(|part| part.trim().parse()).collect();
    let three = numbers.ok().and_then(|numbers| <[u64; 3]>::try_from(numbers).ok());
    three.ok_or_else(|| format!("--retry-delays needs three numbers of milliseconds, not {value:?}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_app_is_public_where_slack_reaches_it_unless_said() {
        let arguments = parse("--app http://127.0.0.1:9000/ --port 0").unwrap();
        assert_eq!(arguments.options.app_public_url, "http://127.0.0.1:9000");
        assert_eq!((arguments.port, arguments.sentry_port), (0, 8789));
        let arguments = parse("--app-public https://vedette.example --app http://127.0.0.1:9000").unwrap();
        assert_eq!(arguments.options.app_public_url, "https://vedette.example");
    }

    #[test]
    fn a_benchmark_may_raise_sentrys_limit() {
        assert_eq!(parse("--requests-per-second 1000000").unwrap().options.sentry_requests_per_second, 1_000_000);
        assert_eq!(parse("").unwrap().options.sentry_requests_per_second, 40);
    }

    #[test]
    fn what_cannot_be_read_is_told_in_a_sentence() {
        assert_eq!(parse("--port many").unwrap_err(), "--port needs a number, not \"many\".");
        assert_eq!(parse("--app nowhere").unwrap_err(), "--app needs an http URL, not \"nowhere\".");
        assert!(parse("--retry-delays 1,2").unwrap_err().starts_with("--retry-delays needs three numbers"));
        assert!(parse("--what").unwrap_err().starts_with("Unknown: --what."));
    }
}
