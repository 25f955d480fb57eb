//! From a request to its answer, for operations that need no store.

use super::request::{Request, WIRE, refuse, write_text};
use super::table::{Runner, lookup};
#[cfg(feature = "store")]
use crate::base::codes::Code;
#[cfg(feature = "store")]
use crate::base::error::Error;
use crate::base::limits;

/// Answers a request that needs no store.
pub fn call(text: &str) -> String {
    if let Some(answer) = call_with_input_last(text) {
        return answer;
    }
    let request = match Request::read(text) {
        Ok(request) => request,
        Err(error) => return refuse(&error),
    };
    let result = lookup(&request.op).and_then(|operation| match operation.runner {
        Runner::Pure(run) => run(request.input(), &request.context),
        #[cfg(feature = "store")]
        Runner::Stored(_) | Runner::Direct(_) => Err(Error::new(Code::NeedsStore).with("op", operation.name)),
    });
    write_text(result, request.explain)
}

/// Answers a request whose input stands last, as the façades write it: the operation reads the input at once, which is not skipped
/// before to find its end. Whatever is refused is left to the reader of whole requests, which says why.
fn call_with_input_last(text: &str) -> Option<String> {
    const INPUT: &str = "\"input\":";
    let start = text.find(INPUT)?.checked_add(INPUT.len())?;
    let input = text.get(start..)?.trim_end_matches([' ', '\n', '\r', '\t']).strip_suffix('}')?;
    if text.len() > limits::REQUEST_BYTES {
        return None;
    }
    // What was found by chance, inside a text or deeper, leaves no envelope that can be read.
    let envelope = [text.get(..start)?, "null}"].concat();
    let request = Request::parse(&envelope).ok().filter(|request| request.wire == WIRE && request.store.is_none())?;
    let decision = match lookup(&request.op).ok()?.runner {
        Runner::Pure(run) => run(input, &request.context).ok()?,
        #[cfg(feature = "store")]
        Runner::Stored(_) | Runner::Direct(_) => return None,
    };
    Some(write_text(Ok(decision), request.explain))
}

#[cfg(test)]
mod tests {
    use super::{call, call_with_input_last};

    #[test]
    fn an_input_that_stands_last_is_answered_as_any_other() {
        let input = r#"{"currency":"USD","lines":[{"description":"\"input\":","quantity":2,"unit_price":"9.99"}]}"#;
        let last = format!(r#"{{"op":"quotes.price","explain":"none","input": {input} }} "#);
        let first = format!(r#"{{"input":{input},"op":"quotes.price","explain":"none"}}"#);
        assert!(call_with_input_last(&last).is_some_and(|answer| answer.contains(r#""total":"19.98""#)));
        assert_eq!(call_with_input_last(&first), None);
        assert_eq!(call(&first), call(&last));
    }

    #[test]
    fn what_is_no_request_stays_none() {
        let input = r#"{"currency":"USD","lines":[{"quantity":2,"unit_price":"9.99"}]}"#;
        for text in [
            format!(r#"{{"op":"quotes.price","input":{input}"#),
            format!(r#"{{"op":"quotes.price","input":{input}}}}}"#),
            format!("{{\"op\":\"quotes.price\",\"input\":{input}}}\u{a0}"),
            format!(r#"{{"op":"quotes.price","input":{input},"explain":"none"}}"#),
            format!(r#"{{"op":"quotes.price","input":{input},"input":{input}}}"#),
            format!(r#"{{"op":"quotes.price","context":{{"input":{input}}}}}"#),
            format!(r#"{{"op":"quotes.price","a\"input":{input}}}"#),
            format!(r#"{{"op":"quotes.price","wire":2,"input":{input}}}"#),
            format!(r#"["op","quotes.price","input":{input}}}"#),
        ] {
            assert_eq!(call_with_input_last(&text), None, "{text}");
        }
    }
}
