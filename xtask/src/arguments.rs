//! Options of a command line; what is left over is refused.

/// The arguments that no option has taken yet.
pub struct Arguments {
    rest: Vec<String>,
}

impl Arguments {
    /// Starts with all of them.
    pub fn new(arguments: &[String]) -> Self {
        Self { rest: arguments.to_vec() }
    }

    /// Takes an option without a value, and says whether it was there.
    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.rest.len();
        self.rest.retain(|argument| argument != name);
        self.rest.len() < before
    }

    /// Takes an option with a value, written `--name value` or `--name=value`.
    pub fn value(&mut self, name: &str) -> Result<Option<String>, String> {
        let prefix = format!("{name}=");
        if let Some(at) = self.rest.iter().position(|argument| argument.starts_with(&prefix)) {
            return Ok(self.rest.remove(at).strip_prefix(&prefix).map(str::to_owned));
        }
        let Some(at) = self.rest.iter().position(|argument| argument == name) else { return Ok(None) };
        if at + 1 >= self.rest.len() {
            return Err(format!("`{name}` needs a value"));
        }
        let value = self.rest.remove(at + 1);
        self.rest.remove(at);
        Ok(Some(value))
    }

    /// Refuses what nobody took.
    pub fn finish(self) -> Result<(), String> {
        match self.rest.first() {
            None => Ok(()),
            Some(argument) => Err(format!("unknown option `{argument}`; `cargo xtask help` lists them")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;

    fn arguments(words: &[&str]) -> Arguments {
        Arguments::new(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn values_are_taken_in_both_spellings() {
        assert_eq!(arguments(&["--only", "fmt"]).value("--only"), Ok(Some("fmt".to_owned())));
        assert_eq!(arguments(&["--only=fmt"]).value("--only"), Ok(Some("fmt".to_owned())));
        assert_eq!(arguments(&[]).value("--only"), Ok(None));
        assert_eq!(arguments(&["--only"]).value("--only"), Err("`--only` needs a value".to_owned()));
    }

    #[test]
    fn left_over_arguments_are_refused() {
        let mut options = arguments(&["--fast", "--fats"]);
        assert!(options.flag("--fast"));
        assert_eq!(options.finish(), Err("unknown option `--fats`; `cargo xtask help` lists them".to_owned()));
    }
}
