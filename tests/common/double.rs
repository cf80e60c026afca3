//! What the doubles of forges share: a loopback port, a log of exchanges, and answers that are wrong on purpose.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::thread;

use bytes::Bytes;
use ecsdeploy::adapters::loopback::{Answer, Server};
use http::{Method, Request, Response};
use serde_json::{Value, json};

/// An answer instead of the right one, so many times; status 0 is none at all.
pub struct Fault {
    pub method: Method,
    pub path: &'static str,
    pub status: u16,
    pub headers: &'static [(&'static str, &'static str)],
    pub message: &'static str,
    pub times: usize,
}

pub type Query = BTreeMap<String, String>;

/// Serves on a thread of its own until the process ends; gives the address.
pub fn serve<S: Send + 'static>(
    state: &Arc<Mutex<S>>,
    answer: impl Fn(&mut S, &Request<Bytes>) -> Answer + Send + Sync + 'static,
) -> String {
    let (told, address) = std::sync::mpsc::channel();
    let state = Arc::clone(state);
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
            told.send(server.address().to_string()).unwrap();
            let handle =
                move |request| std::future::ready(answer(&mut state.lock().unwrap(), &request));
            server.serve(handle, std::future::pending()).await;
        });
    });
    address.recv().unwrap()
}

/// The fault that is due for this request, if one is.
pub fn faulty(faults: &mut [Fault], method: &Method, path: &str) -> Option<Answer> {
    let fits = |fault: &&mut Fault| {
        fault.times > 0 && fault.method == *method && path.contains(fault.path)
    };
    let fault = faults.iter_mut().find(fits)?;
    fault.times -= 1;
    if fault.status == 0 {
        return Some(None);
    }
    let body = json!({"message": fault.message, "documentation_url": "https://docs.example"});
    let mut answer = response(fault.status, &body);
    for (name, value) in fault.headers {
        answer.headers_mut().insert(*name, value.parse().unwrap());
    }
    Some(Some(answer))
}

pub fn response(status: u16, body: &Value) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json; charset=utf-8")
        .body(Bytes::from(body.to_string()))
        .unwrap()
}

/// One line of the log.
pub fn exchange(request: &Request<Bytes>, path: &str, answer: &Answer) -> Value {
    json!({
        "method": request.method().as_str(), "path": path,
        "query": request.uri().query().unwrap_or_default(),
        "body": serde_json::from_slice::<Value>(request.body()).unwrap_or_default(),
        "status": answer.as_ref().map(|it| it.status().as_u16()),
        "answer": answer.as_ref().map(|it| serde_json::from_slice::<Value>(it.body()).unwrap()),
    })
}

pub fn query(request: &Request<Bytes>) -> Query {
    let query = request.uri().query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

/// A page of a list, as both forges cut them.
pub fn page(items: Vec<Value>, query: &Query, usual: usize) -> Value {
    let number =
        |name: &str, otherwise| query.get(name).map_or(otherwise, |it| it.parse().unwrap());
    let (size, page) = (number("per_page", usual), number("page", 1));
    assert!((1..=100).contains(&size), "100 at most are given");
    items
        .into_iter()
        .skip(size * (page - 1))
        .take(size)
        .collect()
}
