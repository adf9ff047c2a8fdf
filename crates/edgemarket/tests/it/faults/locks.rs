//! One process per data directory: everybody else is told of the lock and of `--server`.

use crate::command::{command, directory, run, told};
use crate::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_in_use_is_named_with_the_way_out() {
    let dir = directory();
    let server = Server::start("locked").await;
    let data = server.data().to_str().expect("UTF-8");
    let address = server.address.to_string();
    let all = [
        run(dir.path(), &["serve", "--data", data, "--listen", "127.0.0.1:0"]),
        // The same command once more: the lock is the reason, not the port.
        run(dir.path(), &["serve", "--data", data, "--listen", &address]),
        run(dir.path(), &["publisher", "list", "--data", data]),
        run(dir.path(), &["publisher", "list", "--data", data, "--json"]),
        // Another directory, the same port.
        run(dir.path(), &["serve", "--data", "other", "--listen", &address]),
    ];
    insta::assert_snapshot!(all.join("\n").replace(data, "[DATA]").replace(&address, "[ADDRESS]"));
    // The server is none the worse for it.
    let mut list = command(dir.path());
    list.args(["publisher", "list", "--server", &format!("http://{address}"), "--token", &server.token]);
    let said = told(dir.path(), &list.output().expect("the binary runs"));
    assert!(said.starts_with("status: 0"), "{said}");
    server.stop();
}
