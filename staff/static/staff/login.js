"use strict";

// A link from the playground holds a program in its fragment. A redirect keeps the fragment of the form's address.
document.getElementById("login-form").action += location.hash;
