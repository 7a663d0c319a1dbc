// SPDX-License-Identifier: MIT
'use strict';

// Swagger UI has a dark mode of its own, by a class.
const dark = matchMedia('(prefers-color-scheme: dark)');
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', follow);
follow();

SwaggerUIBundle({
  url: document.body.dataset.openapi,
  domNode: document.getElementById('swagger'),
  deepLinking: true,
  tryItOutEnabled: false,
  displayRequestDuration: true,
  // Of a validator on another server.
  validatorUrl: null,
});
