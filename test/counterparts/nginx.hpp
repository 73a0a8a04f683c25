// nginx in front of a fake Wix, as it stands in front of many a real service.
#pragma once

#include "counterparts/counterpart.hpp"

#include <memory>
#include <string>

#include <unistd.h>

namespace wix::test {

/// TLS to the client, plain HTTP to the fake. `serverLines` may have locations of their own, which reach the fake by
/// `proxy_pass http://fake;`; everything else is passed on. `httpLines` stand before the server.
class Nginx {
public:
    explicit Nginx(const testing::FakeWix& fake, const std::string& serverLines = std::string(),
                   const std::string& httpLines = std::string()) {
        writeFile(site_.home / "nginx.conf", configuration(fake.port(), serverLines, httpLines));
        process_ = std::make_unique<ChildProcess>(
            site_.home.path(), findProgram("nginx"),
            std::vector<std::string>{"-p", site_.home.path(), "-c", site_.home / "nginx.conf", "-e", "stderr"});
        process_->waitForPort(site_.port());
    }

    std::uint16_t port() const { return site_.port(); }
    ClientOptions options() const { return site_.options(); }
    /// New workers take over; the old ones end what they have begun.
    void reload() { process_->signal(SIGHUP); }
    /// Ends it in order, so that the log is complete. One line a request: method, path, status, how often gzip has made
    /// it smaller, "-" if it was not used.
    std::string stopAndReadLog() {
        process_->stop(SIGQUIT);
        return readFile(site_.home / "access.log");
    }

private:
    std::string configuration(std::uint16_t fakePort, const std::string& serverLines, const std::string& httpLines) {
        // Workers of a master that is root would be somebody else, who may not enter the directory.
        const std::string user = ::geteuid() == 0 ? "user root root;\n" : "";
        return user + R"(
            daemon off;
            worker_processes 1;
            pid nginx.pid;
            error_log stderr notice;
            events { worker_connections 256; }
            http {
                log_format requests "$request_method $uri $status $gzip_ratio";
                access_log access.log requests;
                client_body_temp_path body; proxy_temp_path proxy;
                fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
                upstream fake { server 127.0.0.1:)" +
               std::to_string(fakePort) + R"(; }
                proxy_next_upstream off;
                proxy_http_version 1.1;
                proxy_set_header Host $http_host;
                proxy_set_header Connection "";
                )" +
               httpLines + R"(
                server {
                    listen 127.0.0.1:)" +
               std::to_string(site_.port()) + R"( ssl;
                    ssl_certificate certificate.pem;
                    ssl_certificate_key key.pem;
                    location / { proxy_pass http://fake; }
                    )" +
               serverLines + R"(
                }
            }
        )";
    }

    const Site site_;
    std::unique_ptr<ChildProcess> process_;
};

}  // namespace wix::test
