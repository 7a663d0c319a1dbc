// SPDX-License-Identifier: MIT
#pragma once
// Everything that a program with an App and an HTTP/1.1 server needs. Testing and loopback stand apart.

#include "umbel/core/completion.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/core/when_all.hpp"
#include "umbel/di/app.hpp"
#include "umbel/di/background.hpp"
#include "umbel/di/deadline.hpp"
#include "umbel/di/engine.hpp"
#include "umbel/di/lazy.hpp"
#include "umbel/di/peer.hpp"
#include "umbel/di/provide.hpp"
#include "umbel/di/resource.hpp"
#include "umbel/di/response_head.hpp"
#include "umbel/di/scopes.hpp"
#include "umbel/di/security.hpp"
#include "umbel/di/try.hpp"
#include "umbel/http1/serve.hpp"
#include "umbel/http1/server.hpp"
#include "umbel/json/json_reader.hpp"
#include "umbel/json/json_writer.hpp"
#include "umbel/uv/loop.hpp"
