//! The frames below one's own code: frameworks and runtimes, outermost first.

/// A frame that is not in the app.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemFrame {
    pub(crate) module: &'static str,
    pub(crate) filename: &'static str,
    pub(crate) function: &'static str,
    pub(crate) line: u32,
    pub(crate) source: &'static str,
}

const fn frame(
    module: &'static str,
    filename: &'static str,
    function: &'static str,
    line: u32,
    source: &'static str,
) -> SystemFrame {
    SystemFrame { module, filename, function, line, source }
}

const PYTHON: &[SystemFrame] = &[
    frame(
        "django.core.handlers.exception",
        "django/core/handlers/exception.py",
        "inner",
        55,
        "response = get_response(request)",
    ),
    frame(
        "django.core.handlers.base",
        "django/core/handlers/base.py",
        "_get_response",
        197,
        "response = wrapped_callback(request, *callback_args, **callback_kwargs)",
    ),
    frame(
        "rest_framework.views",
        "rest_framework/views.py",
        "dispatch",
        506,
        "response = handler(request, *args, **kwargs)",
    ),
];

const JAVASCRIPT: &[SystemFrame] = &[
    frame(
        "node_modules/react-dom",
        "./node_modules/react-dom/cjs/react-dom-client.production.js",
        "performWorkOnRoot",
        12093,
        "exitStatus = renderRootSync(root, lanes, true);",
    ),
    frame(
        "node_modules/react-dom",
        "./node_modules/react-dom/cjs/react-dom-client.production.js",
        "renderWithHooks",
        4196,
        "children = Component(props, secondArg);",
    ),
];

const GO: &[SystemFrame] = &[
    frame("runtime", "runtime/asm_amd64.s", "goexit", 1700, "BYTE $0x90 // NOP"),
    frame("net/http", "net/http/server.go", "(*conn).serve", 2102, "serverHandler{c.server}.ServeHTTP(w, w.req)"),
];

const RUST: &[SystemFrame] = &[
    frame(
        "std::rt",
        "library/std/src/rt.rs",
        "std::rt::lang_start",
        206,
        "lang_start_internal(&move || main().report())",
    ),
    frame(
        "tokio::runtime::task::core",
        "tokio-1.47.1/src/runtime/task/core.rs",
        "Core<T,S>::poll",
        365,
        "future.poll(&mut cx)",
    ),
    frame(
        "core::option",
        "library/core/src/option.rs",
        "unwrap_failed",
        2040,
        "panic(\"called `Option::unwrap()` on a `None` value\")",
    ),
];

const JAVA: &[SystemFrame] = &[
    frame("java.lang.Thread", "Thread.java", "run", 1583, ""),
    frame("org.springframework.web.servlet.DispatcherServlet", "DispatcherServlet.java", "doDispatch", 1089, ""),
];

/// The system frames of a platform; none for an unknown one.
pub(crate) fn of_platform(platform: Option<&str>) -> &'static [SystemFrame] {
    match event_platform(platform) {
        "python" => PYTHON,
        "javascript" | "node" => JAVASCRIPT,
        "go" => GO,
        "native" => RUST,
        "java" => JAVA,
        _ => &[],
    }
}

/// A project says `python-django`, its events say `python`; Rust's say `native`.
pub(crate) fn event_platform(platform: Option<&str>) -> &str {
    match platform.unwrap_or("other").split('-').next().unwrap_or("other") {
        "rust" => "native",
        "apple" => "cocoa",
        first => first,
    }
}
